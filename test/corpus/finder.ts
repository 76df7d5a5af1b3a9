import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type RunningClamd, startClamd } from '../../infra/local/clamav/clamd.ts';
import { type Clamd, createClamd } from '../../shared/scanning/clamd.ts';
import { MARKER } from './case.ts';

const RULES = new URL('../../infra/clamav/unscannable.ldb', import.meta.url);

/**
 * A clamd, for the tests of the enclosing `describe`, that does not know our rules on what cannot be scanned, but all
 * else: so what it finds, it finds because it can look.
 */
export function eicarFinder(): { finds(content: Buffer): Promise<boolean> } {
  let clamd: RunningClamd;
  let scanner: Clamd;
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'corpus-finder-'));
    const names = (await readFile(RULES, 'utf8')).match(/^Heuristics\.[^;]+/gm) ?? [];
    const databaseDirectory = await mkdtemp(join(folder, 'database-'));
    await writeFile(join(databaseDirectory, 'marker.ndb'), `Corpus.Marker:0:*:${MARKER.toString('hex')}\n`);
    await writeFile(join(databaseDirectory, 'rules.ign2'), `${names.join('\n')}\n`);
    clamd = await startClamd({ folder, databaseDirectory, maxScanBytes: 50 * 2 ** 20, threads: 1 });
    const deadlines = { connectTimeoutMs: 5_000, idleTimeoutMs: 20_000, totalTimeoutMs: 60_000 };
    scanner = createClamd({ host: clamd.host, port: clamd.port, ...deadlines });
  });
  after(async () => {
    await clamd?.stop();
    await rm(folder, { recursive: true, force: true });
  });
  return {
    async finds(content) {
      const pieces = (async function* () {
        yield content;
      })();
      return (await scanner.scan(pieces, { size: content.length })).kind === 'infected';
    },
  };
}
