import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { samples } from '../../../infra/local/samples/samples.ts';
import type { Clamd } from '../../../shared/scanning/clamd.ts';
import type { Verdict } from '../../../shared/scanning/verdict.ts';
import { bytes, hex } from '../../corpus/build.ts';
import { ole2 as compoundFile } from '../../corpus/ole2.ts';
import { sharedScanner } from '../../support/clamd.ts';
import { zip } from '../local/clamav/zip.ts';
import { ole2, UNSUPPORTED, zipOfMethod } from './unsupported-files.ts';

const MIB = 2 ** 20;
const LOOKED_INTO = [0, 6, 8, 9, 12];
const NOT_LOOKED_INTO = [1, 2, 3, 4, 5, 7, 10, 14, 16, 18, 19, 20, 93, 94, 95, 96, 97, 98];

describe('unscannable.ldb', () => {
  let scanner: Clamd;
  before(async () => {
    scanner = await sharedScanner();
  });

  async function verdictOn(file: Buffer): Promise<Verdict> {
    return scanner.scan(
      (async function* () {
        yield file;
      })(),
      { size: file.length },
    );
  }

  async function reasonOf(file: Buffer): Promise<string> {
    const verdict = await verdictOn(file);
    return verdict.kind === 'unscannable' ? verdict.reason : verdict.kind;
  }

  for (const [name, file] of UNSUPPORTED) {
    it(`never calls malware clean that is hidden by ${name}`, async () => {
      assert.equal(await reasonOf(file), 'unsupported');
    });
  }

  it('sees through archives to what cannot be looked into', async () => {
    const lzma = UNSUPPORTED.get('LZMA in a zip') ?? Buffer.alloc(0);
    assert.equal(await reasonOf(zip({ name: 'inner.zip', data: lzma })), 'unsupported');
  });

  it('knows every compression of zip that ClamAV does not, wherever the zip says so', async () => {
    for (const method of NOT_LOOKED_INTO) {
      for (const where of ['both', 'local', 'directory'] as const) {
        assert.equal(await reasonOf(zipOfMethod(method, where)), 'unsupported', `${method}, ${where}`);
      }
    }
  });

  it('has nothing against the compressions that ClamAV knows', async () => {
    for (const method of LOOKED_INTO) assert.equal(await reasonOf(zipOfMethod(method)), 'clean', `${method}`);
  });

  it('tells documents that Office encrypted from those it did not', async () => {
    assert.equal(await reasonOf(ole2('EncryptedPackage')), 'encrypted');
    assert.equal(await reasonOf(ole2('WordDocument')), 'clean');
  });

  it('tells documents that Office of before 2007 encrypted from those it did not', async () => {
    const tail = Buffer.alloc(5000);
    const word = (flags: number, begin = 'eca5c100', back = 'bf00') =>
      compound('WordDocument', bytes(hex(begin), Buffer.alloc(7), Uint8Array.of(flags), hex(back), tail));
    const excel = (records: string) => compound('Workbook', bytes(hex(records), tail));
    const show = (token: string) =>
      compound('Current User', bytes(hex(`0000f60f 20000000 14000000 ${token}`), Buffer.alloc(24)));
    const bof = '0908 1000 0006 0500 1234 5678 00000000 06000000';
    for (const flags of [0x01, 0x13, 0x55, 0xff]) assert.equal(await reasonOf(word(flags)), 'encrypted');
    for (const flags of [0x00, 0x12, 0x80]) assert.equal(await reasonOf(word(flags)), 'clean');
    assert.equal(await reasonOf(word(0x01, 'dca56500', '6500')), 'encrypted', 'Word 6');
    assert.equal(await reasonOf(word(0x10, 'dca56500', '6500')), 'clean', 'Word 6');
    const passwords = [
      '2f003600 0100 0100 0100',
      '2f000600 0000 1234 5678',
      '86000000 2f00c800 0100 0200 0200',
    ];
    for (const record of passwords) assert.equal(await reasonOf(excel(bof + record)), 'encrypted', record);
    assert.equal(await reasonOf(excel('0908 0800 0005 0500 12345678 2f000400 1234 5678')), 'encrypted');
    assert.equal(await reasonOf(excel(`${bof} e1000200b004`)), 'clean');
    assert.equal(await reasonOf(show('dfc4d1f3')), 'encrypted');
    assert.equal(await reasonOf(show('5fc091e3')), 'clean');
  });

  it('knows file systems whose files may be compressed or in pieces, by their superblocks', async () => {
    const at = (offset: number, magic: string) =>
      bytes(Buffer.alloc(offset), hex(magic), Buffer.alloc(4096, 'data'));
    const superblocks = {
      XFS: at(0, '58465342'),
      UBI: at(0, '55424923'),
      EROFS: at(1024, 'e2e1f5e0'),
      F2FS: at(1024, '1020f5f2'),
      'HFS+': at(1024, '482b0004'),
      HFSX: at(1024, '48580005'),
      Btrfs: at(65_600, '5f42485266535f4d'),
      'a disk of Parallels, extended': at(0, Buffer.from('WithouFreSpacExt').toString('hex')),
    };
    for (const [name, file] of Object.entries(superblocks)) {
      assert.equal(await reasonOf(file), 'unsupported', name);
      assert.equal(await reasonOf(bytes('x', file)), 'clean', name);
    }
  });

  it('leaves text about encodings alone', async () => {
    const texts = [
      'The line\nbegin 644 name\nis followed by lines of text that is coded, and\nend\n',
      'begin 7 days before\nthe operation, not later.\n',
      'Its first line is =ybegin, with the length of lines and the size.\n',
      'BinHex 4.0 (RFC 1741) says: This file must be converted with BinHex.\n',
      '<html><head><meta charset="utf-8"></head><body>Neither UTF-7 nor UTF-16: charset=utf-8</body></html>',
      'Encoded scripts begin with #@~^ and a length.\n',
      'An armour begins with -----BEGIN PGP MESSAGE----- on a line of its own.\n',
      'From: a@example.org\nContent-Type: text/plain; charset=utf-8\n\nThe type message/partial is partial.\n',
    ];
    for (const text of texts) assert.equal(await reasonOf(bytes('Dear reader,\n', text)), 'clean', text);
  });

  it('tells OpenPGP by its session keys', async () => {
    const text = Buffer.from('nothing to see here\n'.repeat(20));
    const begins = {
      'RSA of 3072 bits': '85018c03',
      'RSA of 4096 bits, as newer versions write it': 'c1c14c03',
      'an elliptic curve': '845e03',
    };
    for (const [name, begin] of Object.entries(begins)) {
      const algorithm = name.startsWith('RSA') ? '01' : '12';
      assert.equal(await reasonOf(bytes(hex(begin), '12345678', hex(algorithm), text)), 'encrypted', name);
      assert.equal(await reasonOf(bytes(hex(begin), '12345678', hex('77'), text)), 'clean', name);
    }
  });

  it('has nothing against a signature apart from what is signed, and certificates', async () => {
    const content = (data: string) =>
      hex(`308205a8 06092a864886f70d010702 a0820560 3082055c 020101 3100 ${data} a0820400 30820400`);
    const text = Buffer.alloc(1500, 'certificate');
    assert.equal(await reasonOf(bytes(content('300b06092a864886f70d010701'), text)), 'clean');
    assert.equal(
      await reasonOf(bytes(content('308203e8 06092a864886f70d010701 a08203d8'), text)),
      'unsupported',
    );
  });

  it('tells encrypted OpenDocument files from others', async () => {
    const manifest = (inner: string) =>
      zip(
        { name: 'content.xml', data: randomBytes(1000) },
        {
          name: 'META-INF/manifest.xml',
          data: Buffer.from(
            `<?xml version="1.0"?><manifest:manifest><manifest:file-entry manifest:full-path="content.xml">${inner}</manifest:file-entry></manifest:manifest>`,
          ),
        },
      );
    const data = '<manifest:encryption-data manifest:checksum="x"></manifest:encryption-data>';
    assert.equal(await reasonOf(manifest(data)), 'encrypted');
    assert.equal(await reasonOf(manifest('')), 'clean');
  });

  it('changes nothing for the ordinary files of the demo', async () => {
    for (const { name, expected, open } of samples()) {
      const chunks: Buffer[] = [];
      // These two take long, and are uploaded by the tests of the platform.
      if (name.endsWith('.mp4') || name === 'bomb.zip') continue;
      for await (const chunk of open()) chunks.push(chunk);
      assert.equal((await verdictOn(Buffer.concat(chunks))).kind, expected, name);
    }
  });

  it('leaves word-processor documents alone', async () => {
    const xml = Buffer.from(
      '<?xml version="1.0"?><w:document><w:body><w:p>Dear colleague</w:p></w:body></w:document>',
    );
    const docx = zip(
      { name: '[Content_Types].xml', data: Buffer.from('<?xml version="1.0"?><Types></Types>') },
      { name: 'word/document.xml', data: xml },
      { name: 'word/media/image1.png', data: randomBytes(MIB) },
    );
    assert.equal(await reasonOf(docx), 'clean');
  });

  it('finds nothing in random bytes', async () => {
    assert.equal(await reasonOf(randomBytes(16 * MIB)), 'clean');
  });

  it('fixes at least 38 bits where it looks at every offset, and 19 where it looks at one', async () => {
    const text = await readFile(new URL('../../../infra/clamav/unscannable.ldb', import.meta.url), 'utf8');
    const signatures = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
    assert(signatures.length > 50);
    for (const line of signatures) {
      const [name = '', , expression = '', ...parts] = line.split(';');
      assert.match(name, /^Heuristics\.Unscannable\.[A-Za-z0-9.]+$/);
      const anchored = parts.some((part) => /^(0|257):/.test(part));
      for (const part of parts) {
        // A regular expression is asked only where another part is there.
        if (/^[\d|]+\//.test(part)) continue;
        const [, offset, digits = ''] = /^(?:([^:]+):)?([^:]+)(?:::i)?$/.exec(part) ?? [];
        // A part that counts only in a file with a certain beginning need not be as rare.
        if (expression.includes('&') && anchored) continue;
        assert(bitsOf(digits) >= (offset === undefined ? 38 : 19), `${name} ${part}`);
      }
    }
  });
});

function compound(path: string, data: Uint8Array): Buffer {
  return compoundFile([{ path, data }]);
}

/** How many bits of data the bytes of a signature fix. */
function bitsOf(bytes: string): number {
  let bits = 0;
  for (const [token, not, choices] of bytes.matchAll(/(!?)\(([^)]*)\)|\{[^}]*\}|[0-9a-f?]{2}/g)) {
    if (token.startsWith('{')) continue;
    if (choices === undefined) bits += 4 * token.replaceAll('?', '').length;
    else {
      const several = choices.split('|');
      const left = not ? 256 - several.length : several.length;
      bits += 4 * (several[0]?.length ?? 0) - Math.log2(left);
    }
  }
  return bits;
}
