import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { protectedZip } from '../../../functions/sweeper/protected-zip.ts';

/** Python's unpacker, beside Info-ZIP's. */
const PYTHON =
  'import sys, zipfile; z = zipfile.ZipFile(sys.argv[1]); z.setpassword(b"infected"); sys.stdout.buffer.write(z.read("a"))';

describe('an archive under a password', () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'zip-'));
  });
  after(() => rm(folder, { recursive: true }));

  for (const lengths of [[], [1], [65_536, 1], [100_000, 3, 2 ** 20]]) {
    it(`of ${lengths.length} pieces is unpacked by others as it was`, async () => {
      const pieces = lengths.map((length) => randomBytes(length));
      async function* source() {
        yield* pieces;
      }
      const archive = join(folder, `${lengths.length}.zip`);
      await writeFile(archive, protectedZip('a', source(), 'infected'));
      const bytes = Buffer.concat(pieces);
      const maxBuffer = 2 ** 22;
      execFileSync('unzip', ['-tqq', '-P', 'infected', archive]);
      assert.deepEqual(execFileSync('unzip', ['-p', '-P', 'infected', archive], { maxBuffer }), bytes);
      assert.deepEqual(execFileSync('python3', ['-c', PYTHON, archive], { maxBuffer }), bytes);
    });
  }
});
