import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CASES } from './cases.ts';
import { type Opened, open, PACKAGES } from './programs.ts';

/** Cases at once. */
const LANES = 3;

describe('corpus: one of the programs that claim to open a case does', function () {
  this.timeout(900_000);
  const by = new Map<Opened, string[]>();
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'corpus-'));
  });
  after(async () => {
    const counts = [...by].map(([program, names]) => `${program} ${names.length}`).toSorted();
    process.stdout.write(`\nopened by: ${counts.join(', ')}\n`);
    for (const name of by.get('unchecked') ?? []) {
      process.stdout.write(`UNCHECKED, for want of a program: ${name}\n`);
    }
    await rm(folder, { recursive: true, force: true });
  });

  for (const kind of new Set(CASES.map((one) => one.kind))) {
    it(kind, async () => {
      const waiting = CASES.filter((one) => one.kind === kind);
      const lane = async (number: number) => {
        for (let next = waiting.shift(); next; next = waiting.shift()) {
          const opened = await open(next.bytes(), next.opensWith, join(folder, `${number}`));
          by.set(opened, [...(by.get(opened) ?? []), `${kind}: ${next.name}`]);
        }
      };
      await Promise.all(Array.from({ length: LANES }, (_, number) => lane(number)));
      const wrong = (by.get('nobody') ?? []).filter((name) => name.startsWith(`${kind}: `));
      assert.deepEqual(wrong, [], 'no program that is said to open it gets at the marker');
    });
  }

  it('has what .ci/run installs', async () => {
    const script = await readFile(new URL('../../.ci/run', import.meta.url), 'utf8');
    const installed = new Set(script.split(/\s+/));
    // These are there wherever Debian is.
    const given = ['bzip2', 'dash', 'dpkg', 'gzip', 'python3', 'tar', 'util-linux'];
    assert.deepEqual(
      PACKAGES.filter((name) => !given.includes(name) && !installed.has(name)),
      [],
    );
  });
});
