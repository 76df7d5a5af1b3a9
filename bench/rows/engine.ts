import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { type RunningClamd, startClamd } from '../../infra/local/clamav/clamd.ts';
import type { Bench, Row } from '../bench.ts';
import { instream } from '../clamd/instream.ts';
import { contentOf, type Kind } from '../content.ts';
import { type Finding, figure } from '../finding.ts';
import { inFlight } from '../in-flight.ts';
import { peakMemory } from '../process.ts';
import { MIB } from '../scale.ts';
import { secondsOf, sideBySide } from '../side-by-side.ts';
import { median, pairedRatio } from '../stats.ts';

/** Decided by these: docs/adr/0031-one-clamd.md. */
export const engine: Row = {
  name: 'engine',
  title: 'ClamAV alone: one process or two, bytes or a path',
  measure,
};

/** The number of slots in the Terraform module. */
const THREADS = 2;
const PATH_KINDS: readonly Kind[] = ['text', 'random'];

async function measure(bench: Bench): Promise<readonly Finding[]> {
  const { folder, scale, databaseDirectory } = bench;
  await using clamds = new AsyncDisposableStack();
  const start = async (name: string, threads: number): Promise<RunningClamd> => {
    const clamd = await startClamd({
      folder: join(folder, name),
      threads,
      maxScanBytes: 512 * MIB,
      ...(databaseDirectory && { databaseDirectory }),
    });
    clamds.defer(() => clamd.stop());
    return clamd;
  };
  const one = await start('clamd-of-two-threads', THREADS);
  const two = [await start('clamd-1', 1), await start('clamd-2', 1)];
  const findings = [await processes(one, two, scale.engine)];
  for (const kind of PATH_KINDS) findings.push(await paths(one, kind, bench));
  return findings;
}

/** Files a second of two at a time. */
async function processes(
  one: RunningClamd,
  two: readonly RunningClamd[],
  { bytes, files, rounds }: Bench['scale']['engine'],
): Promise<Finding> {
  const content = contentOf('random', bytes);
  const rate = async (clamds: readonly RunningClamd[]): Promise<number> => {
    // Each gets its share and no more, as a scanner with a slot for each thread would give it.
    const share = Array<Buffer>(files / clamds.length).fill(content);
    const threads = THREADS / clamds.length;
    const scans = () =>
      clamds.map(({ port }) => inFlight(share, threads, (each) => instream(port, anew(each))));
    return files / (await secondsOf(() => Promise.all(scans())));
  };
  const rates = await sideBySide({ two: () => rate(two), one: () => rate([one]) }, rounds);
  const memory = [one, ...two].map(({ pid }) => peakMemory(pid) / MIB);
  return {
    what: `${bytes / 1e6} MB at a time by two processes of one thread`,
    against: 'one process of two threads',
    value: pairedRatio(rates.two, rates.one),
    unit: '×',
    detail: `${figure(median(rates.two))} files a second beside ${figure(median(rates.one))}; memory in MiB: ${memory.map(figure).join(', ')} (the first is the one of two threads)`,
  };
}

/** Seconds of a file that clamd reads by its path, beside those of the same bytes sent to it. */
async function paths(
  { port }: RunningClamd,
  kind: Kind,
  { folder, scale: { engine } }: Bench,
): Promise<Finding> {
  const content = contentOf(kind, engine.pathBytes);
  const file = join(folder, `path.${kind}`);
  const seconds = await sideBySide(
    {
      path: () =>
        secondsOf(async () => {
          // The scanner would have to write the file first.
          await writeFile(file, anew(content));
          await scanPath(port, file);
        }),
      bytes: () => secondsOf(() => instream(port, anew(content))),
    },
    engine.rounds,
  );
  return {
    what: `${engine.pathBytes / 1e6} MB of ${kind}: written to a file and scanned by its path`,
    against: 'the bytes sent to clamd',
    value: pairedRatio(seconds.path, seconds.bytes),
    unit: '×',
    detail: `${figure(median(seconds.path))} s beside ${figure(median(seconds.bytes))} s`,
  };
}

/** Another content: ClamAV keeps what it has found clean. */
function anew(content: Buffer): Buffer {
  content.write(randomBytes(16).toString('hex'));
  return content;
}

/** @throws {Error} where it is not clean */
async function scanPath(port: number, file: string): Promise<void> {
  const socket = connect({ host: '127.0.0.1', port });
  await once(socket, 'connect');
  socket.write(`zSCAN ${file}\0`);
  const reply = Buffer.concat(await socket.toArray()).toString();
  if (reply !== `${file}: OK\0`) throw new Error(`clamd says ${JSON.stringify(reply)}`);
}
