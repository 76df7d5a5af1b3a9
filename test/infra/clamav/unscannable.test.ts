import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { samples } from '../../../infra/local/samples.ts';
import type { Clamd } from '../../../shared/scanning/clamd.ts';
import type { Verdict } from '../../../shared/scanning/verdict.ts';
import { sharedScanner } from '../../support/clamd.ts';
import { zip } from '../local/clamav/zip.ts';
import { ole2, UNSUPPORTED, zipOfMethod } from './unsupported-files.ts';

const MIB = 2 ** 20;
const LOOKED_INTO = [0, 6, 8, 9, 12];
const NOT_LOOKED_INTO = [1, 2, 3, 4, 5, 7, 10, 14, 16, 18, 19, 20, 93, 94, 95, 96, 97, 98];

describe('unscannable.ldb', () => {
  let scanner: Clamd;
  before(async function () {
    this.timeout(180_000);
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
        const [, offset, bytes = ''] = /^(?:([^:]+):)?(.+)$/.exec(part) ?? [];
        // A part that counts only in a file with a certain beginning need not be as rare.
        if (expression.includes('&') && anchored) continue;
        assert(bitsOf(bytes) >= (offset === undefined ? 38 : 19), `${name} ${part}`);
      }
    }
  });
});

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
