import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { StructureCheck, stricter } from '../../../../functions/scanner/structure/structure.ts';
import type { Verdict } from '../../../../shared/scanning/verdict.ts';
import { zip } from '../../../infra/local/clamav/zip.ts';
import { described, patched, signed, tar, zip64End } from './structure-files.ts';

const ONE = zip({ name: 'one.txt', data: Buffer.from('one '.repeat(50)) });
const TWO = zip(
  { name: 'a.txt', data: Buffer.from('a '.repeat(50)) },
  { name: 'b.txt', data: Buffer.from('b '.repeat(50)) },
);
const TAR = tar({ 'a.txt': Buffer.from('in a tar'), 'b.zip': described() });

async function check(file: Uint8Array, pieceBytes = 65_536): Promise<StructureCheck> {
  const structure = new StructureCheck();
  for (let at = 0; at < file.length; at += pieceBytes)
    await structure.update(file.subarray(at, at + pieceBytes));
  return structure;
}

const wrong = async (...parts: readonly Buffer[]) => (await check(Buffer.concat(parts))).end();

describe('StructureCheck', () => {
  for (const [name, file] of Object.entries({
    'no zip at all': Buffer.from('harmless'),
    'an empty file': Buffer.alloc(0),
    'a zip': TWO,
    'an empty zip': zip(),
    'a zip with sizes behind the data': described(),
    'a signed Android package': signed(TWO),
    'a zip with a comment': patched(Buffer.concat([ONE, Buffer.from('comment')]), ONE.length - 2, 7),
    'a zip with padding behind it': Buffer.concat([TWO, Buffer.alloc(512)]),
    'a zip with an end in 64 bits, too': zip64End(TWO),
    'a zip in a zip, stored': zip({ name: 'a.zip', data: TWO }),
    'a zip behind a stub': Buffer.concat([Buffer.from('MZ stub'), TWO]),
    'a tar': TAR,
    'a tar cut short': TAR.subarray(0, 700),
    'a gzip file': gzipSync(TWO),
    'a document with a zip within': Buffer.concat([
      Buffer.from('%PDF-1.4 '),
      described(),
      Buffer.alloc(70_000),
    ]),
  })) {
    it(`has nothing against ${name}`, async () => {
      for (const bytes of [1, 7, 512, 65_536]) assert.equal((await check(file, bytes)).end(), undefined);
    });
  }

  const central = TWO.indexOf('PK\x01\x02');
  for (const [name, parts, detail] of [
    ['a zip behind a zip', [ONE, TWO], /place/],
    ['a zip behind a local header and junk', [Buffer.from('PK\x03\x04'), Buffer.alloc(200, 7), TWO], /place/],
    ['data behind the directory', [TWO, Buffer.from('x')], /behind the directory/],
    ['an end in a comment', [patched(Buffer.concat([ONE, TWO]), ONE.length - 2, TWO.length)], /place/],
    ['no directory', [TWO.subarray(0, central)], /no end/],
    ['a gap before the directory', [gap(TWO, central)], /one behind another/],
    ['another method in a local header', [patched(TWO, 8, 0)], /disagree/],
    ['another size in a local header', [patched(TWO, 18, 1)], /disagree/],
    ['no size in a local header', [patched(TWO, 18, 0)], /disagree/],
    ['a masked header', [patched(TWO, central + 8, 1 << 13)], /disagree/],
    ['another disk', [patched(TWO, TWO.length - 18, 1)], /disk/],
    ['more entries than are there', [patched(TWO, TWO.length - 12, 3)], /fewer/],
    ['an entry that is not counted', [patched(TWO, TWO.length - 12, 1)], /more than/],
    ['an offset without a header', [patched(TWO, central + 42, 1)], /no local header/],
    ['sizes behind the data, behind a stub', [Buffer.from('MZ stub'), described()], /sizes/],
    ['a zip behind gzip', [gzipSync(ONE), TWO], /behind an archive/],
    ['a zip behind an old cpio', [Buffer.from([0xc7, 0x71]), TWO], /behind an archive/],
    ['a zip behind a tar', [TAR, TWO], /end of a tar/],
    ['a tar behind a tar', [TAR, TAR], /end of a tar/],
    [
      'a tar with another tar in place of a header',
      [TAR.subarray(0, 1024), Buffer.alloc(512, 7), TAR],
      /header/,
    ],
  ] as const) {
    it(`calls ${name} malformed, also in a zip, in pieces of any size`, async () => {
      const file = Buffer.concat(parts);
      for (const bytes of [1, 29, 30, 31, 65_536]) {
        assert.match((await check(file, bytes)).end() ?? '', detail);
        // And so in a zip, and in a zip in that.
        const inner = { name: 'inner', data: file };
        const last = { name: 'last', data: Buffer.from('harmless') };
        assert.match((await check(zip(inner, last), bytes)).end() ?? '', detail);
        const outer = { name: 'outer', data: zip(last, inner) };
        assert.match((await check(zip(last, outer), bytes)).end() ?? '', detail);
        assert.match((await check(described(file), bytes)).end() ?? '', detail);
      }
    });
  }

  it('has nothing against what common packers make', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'packers-'));
    await writeFile(join(folder, 'a.txt'), 'text to pack '.repeat(500));
    await writeFile(join(folder, 'b.bin'), Buffer.alloc(0));
    const commands = [
      ['zip', 'o.zip', 'a.txt', 'b.bin'],
      ['zip', '-0', 'o.zip', 'a.txt', 'b.bin'],
      ['sh', '-c', 'zip - a.txt b.bin | cat > o.zip'],
      ['sh', '-c', 'zip -0 - b.bin a.txt | cat > o.zip'],
      ['sh', '-c', 'mkdir -p d/e && touch d/e/f && zip -r - d b.bin a.txt | cat > o.zip'],
      ['7zz', 'a', 'o.zip', 'a.txt', 'b.bin'],
      ['jar', 'cf', 'o.zip', 'a.txt', 'b.bin'],
      ['bsdtar', '-a', '-cf', 'o.zip', 'a.txt', 'b.bin'],
      ['python3', '-m', 'zipfile', '-c', 'o.zip', 'a.txt', 'b.bin'],
      ['tar', 'cf', 'o.zip', 'a.txt', 'b.bin'],
      ['tar', '--format=pax', '-cf', 'o.zip', 'a.txt', 'b.bin'],
      ['bsdtar', '-cf', 'o.zip', 'a.txt', 'b.bin'],
    ] as const;
    let packed = 0;
    for (const [program, ...words] of commands) {
      await rm(join(folder, 'o.zip'), { force: true });
      // Not all of them are installed everywhere.
      const made = await promisify(execFile)(program, words, { cwd: folder }).catch(() => undefined);
      if (!made) continue;
      assert.equal(
        await wrong(await readFile(join(folder, 'o.zip'))),
        undefined,
        [program, ...words].join(' '),
      );
      packed++;
    }
    assert(packed > 0);
    await rm(folder, { recursive: true });
  });

  it('never throws, and says the same however a file is cut', async () => {
    const nested = zip({ name: 'a', data: TWO }, { name: 'b', data: described() });
    const files = (...bases: readonly Buffer[]) =>
      fc
        .record({
          base: fc.constantFrom(...bases),
          changes: fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 8 }),
          cut: fc.nat(),
          before: fc.uint8Array({ maxLength: 40 }),
        })
        .map(({ base, changes, cut, before }) => {
          const copy = Buffer.concat([before, base]);
          for (const [at, value] of changes) copy[at % copy.length] = value;
          return cut % 4 === 0 ? copy.subarray(0, cut % copy.length) : copy;
        });
    const bases = [ONE, TWO, described(), signed(TWO), zip64End(TWO), TAR, Buffer.concat([ONE, TWO])];
    await fc.assert(
      fc.asyncProperty(files(...bases), fc.integer({ min: 1, max: 97 }), async (bytes, piece) => {
        assert.equal((await check(bytes, piece)).end(), (await check(bytes)).end());
      }),
      { numRuns: 1000 },
    );
    // Where the stream of a member is broken, how much of it is known depends on the pieces.
    await fc.assert(
      fc.asyncProperty(files(nested), fc.integer({ min: 1, max: 97 }), async (bytes, piece) => {
        const said = (await check(bytes, piece)).end();
        assert.ok(said === undefined || said.length > 0);
      }),
      { numRuns: 500 },
    );
  });

  it('unpacks no more than it may of all archives in a file together', async () => {
    const inner = zip({ name: 'a', data: randomBytes(30_000) });
    const file = zip(...['1', '2', '3', '4', '5'].map((name) => ({ name, data: inner })));
    for (const [left, expected] of [
      [200_000, undefined],
      [100_000, 'unpacks to too much'],
    ] as const) {
      const structure = new StructureCheck(0, { left });
      await structure.update(file);
      assert.equal(structure.end(), expected);
    }
  });

  it('counts the beginnings that it unpacks of members', async () => {
    const members = Array.from({ length: 50 }, (_, at) => ({ name: `${at}`, data: Buffer.alloc(100_000) }));
    const structure = new StructureCheck(0, { left: 1_000_000 });
    await structure.update(zip(...members));
    assert.equal(structure.end(), 'unpacks to too much');
  });

  it('keeps no more than it may of a file with more headers than any zip that is looked into', async () => {
    const structure = await check(Buffer.alloc(31 * 70_000, `PK\x03\x04${'\0'.repeat(27)}`, 'latin1'));
    assert.equal(structure.end(), 'too many headers');
  });
});

describe('stricter', () => {
  const malformed = () => check(Buffer.concat([ONE, TWO]));

  it('makes a clean verdict unscannable, and says in what way', async () => {
    assert.deepEqual(stricter({ kind: 'clean' }, await malformed()), {
      kind: 'unscannable',
      reason: 'malformed',
      detail: 'directory not at its place',
    });
    assert.deepEqual(stricter({ kind: 'clean' }, await check(TWO)), { kind: 'clean' });
  });

  it('changes no other verdict', async () => {
    for (const verdict of [
      { kind: 'infected', signature: 'Eicar' },
      { kind: 'unscannable', reason: 'encrypted', detail: 'Heuristics.Encrypted.Zip' },
      { kind: 'unscannable', reason: 'tooLarge' },
    ] as const satisfies Verdict[]) {
      assert.equal(stricter(verdict, await malformed()), verdict);
      assert.equal(stricter(verdict, await check(TWO)), verdict);
    }
  });
});

/** Ten bytes that no record names, before the directory, whose stated place is right. */
function gap(archive: Buffer, central: number): Buffer {
  const file = Buffer.concat([archive.subarray(0, central), Buffer.alloc(10, 7), archive.subarray(central)]);
  file.writeUInt32LE(central + 10, file.length - 6);
  return file;
}
