import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { DigestSet } from '../../../../functions/sweeper/hunt/digest-set.ts';
import { readIndicators, TooManyIndicators } from '../../../../functions/sweeper/hunt/indicators.ts';
import { heapMeter } from '../../../support/heap.ts';

const MANY = 200_000;
const SHA256 = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';
const MD5 = 'd41d8cd98f00b204e9800998ecf8427e';
const SHA1 = 'da39a3ee5e6b4b0d3255bfef95601890afd80709';

const digest = (text: string | number, kind = 'sha256') => createHash(kind).update(String(text)).digest();

/** A list in pieces that end anywhere. */
async function* pieces(text: string, size: number): AsyncGenerator<Uint8Array> {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}
const read = (text: string, size = 7, most = 100) => readIndicators(pieces(text, size), most);

describe('a set of digests', () => {
  it('has what was added, and nothing else', () => {
    const set = new DigestSet(32);
    for (let n = 0; n < 5_000; n++) assert.equal(set.add(digest(n)), true);
    for (let n = 0; n < 5_000; n++) assert.equal(set.add(digest(n)), false);
    assert.equal(set.size, 5_000);
    for (let n = 0; n < 10_000; n++) assert.equal(set.has(digest(n)), n < 5_000);
  });

  it('has digests apart that begin alike', () => {
    const set = new DigestSet(16);
    const alike = Array.from({ length: 100 }, () => Buffer.concat([Buffer.alloc(8), randomBytes(8)]));
    for (const each of alike) set.add(each);
    assert.ok(alike.every((each) => set.has(each)));
    assert.equal(set.has(Buffer.alloc(16)), false);
  });

  it('has nothing where nothing was added', () => {
    assert.equal(new DigestSet(32).has(digest('')), false);
  });
});

describe('a list of indicators', () => {
  const formats: Readonly<Record<string, string>> = {
    'plain lines': `${SHA256}\n${MD5}\n`,
    'capitals, and no newline at the end': `${SHA256.toUpperCase()}\r\n${MD5.toUpperCase()}`,
    'sha256sum and md5sum': `${SHA256}  empty.txt\n${MD5} *empty.bin\n`,
    CSV: `"sha256","md5"\n"${SHA256}","${MD5}"\n`,
    'a list with a byte order mark': `\ufeff${SHA256}\r\n${MD5}\r\n`,
    'a text of an office program': `Look for “${SHA256}”,\u00a0${MD5}\u00a0– today\n`,
    "ClamAV's .hsb and .hdb": `${SHA256}:0:Empty.File:73\n${MD5}:*:Empty.File:73\n`,
    STIX: JSON.stringify({
      type: 'bundle',
      id: 'bundle--5d0092c5-5f74-4287-9642-33f4c354e56d',
      objects: [
        { type: 'indicator', pattern: `[file:hashes.'SHA-256' = '${SHA256}' OR file:hashes.MD5 = '${MD5}']` },
        { type: 'file', hashes: { 'SHA-256': SHA256, MD5 } },
      ],
    }),
  };
  for (const [format, text] of Object.entries(formats)) {
    it(`is read from ${format}, however it is cut`, async () => {
      for (const size of [1, 31, 64, 10_000]) {
        const { sha256, md5 } = await read(text, size);
        assert.deepEqual([sha256.size, md5.size], [1, 1]);
        assert.ok(sha256.has(Buffer.from(SHA256, 'hex')) && md5.has(Buffer.from(MD5, 'hex')));
      }
    });
  }

  it('counts digests of other kinds, and lines without any', async () => {
    const garbage = ['# a comment', '', SHA1, `${SHA256}0`, `x${MD5}`, `${MD5}-x`, 'g'.repeat(64), SHA256];
    const { sha256, md5, unsupported, linesWithout } = await read(garbage.join('\n'));
    assert.deepEqual([sha256.size, md5.size, unsupported, linesWithout], [1, 0, 1, 5]);
  });

  it('reads garbage of any length', async () => {
    const { sha256, md5, linesWithout } = await read('a'.repeat(1_000_000), 65_536);
    assert.deepEqual([sha256.size, md5.size, linesWithout], [0, 0, 1]);
    const bytes = (async function* () {
      yield randomBytes(1_000_000);
    })();
    await readIndicators(bytes, 100);
  });

  it('takes as many as it says, and not one more', async () => {
    const lines = [1, 2, 3].map((n) => digest(n).toString('hex'));
    assert.equal((await read([...lines, ...lines].join('\n'), 7, 3)).sha256.size, 3);
    await assert.rejects(read(lines.join('\n'), 7, 2), TooManyIndicators);
  });

  it('holds many digests outside of the heap', async () => {
    async function* list() {
      for (let n = 0; n < MANY; n += 1_000) {
        yield Buffer.from(
          Array.from({ length: 1_000 }, (_, m) => `${digest(n + m).toString('hex')}\n`).join(''),
        );
      }
    }
    const heap = heapMeter();
    const before = heap();
    const { sha256 } = await readIndicators(list(), MANY);
    assert.equal(sha256.size, MANY);
    // A set of texts would take 100 bytes for each.
    assert.ok(heap() - before < MANY * 20);
    assert.ok(sha256.has(digest(0)) && sha256.has(digest(MANY - 1)) && !sha256.has(digest(MANY)));
  });
});
