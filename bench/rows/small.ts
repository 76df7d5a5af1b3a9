import { randomBytes } from 'node:crypto';
import { SCAN_SLOTS } from '../../infra/local/processes/config.ts';
import { type Bare, startBareFiles } from '../baseline/start-pipe.ts';
import type { Bench, Row } from '../bench.ts';
import { instream } from '../clamd/instream.ts';
import { cpuText } from '../costs.ts';
import { type Finding, figure } from '../finding.ts';
import { send } from '../http.ts';
import { inFlight } from '../in-flight.ts';
import { type CpuTime, cpuOf, total } from '../process.ts';
import type { Scale } from '../scale.ts';
import { secondsOf, sideBySide } from '../side-by-side.ts';
import type { Stage } from '../stage/stage.ts';
import { median, pairedRatio, quantile } from '../stats.ts';

export const small: Row = { name: 'small', title: 'Small files, from upload to verdict', measure };

/** Files at a time, while nothing is compared. */
const BUSY = 8;
/** functions-framework hands over the body of a request that says what it is. */
const OCTETS = { 'content-type': 'application/octet-stream' };

/** The whole product, and what makes the same exchanges and nothing else. */
interface Contenders {
  readonly stage: Stage;
  readonly node: Bare;
  readonly libraries: Bare;
}

async function measure({ scale, live }: Bench): Promise<readonly Finding[]> {
  const { sizes, concurrencies, files, warmUp } = scale.small;
  const stage = await live({ anew: true });
  await using node = await startBareFiles(stage, 'node');
  await using libraries = await startBareFiles(stage, 'libraries');
  const contenders = { stage, node, libraries };
  const findings: Finding[] = [await inFreshInstance(stage, contents(sizes[0], files))];
  await throughAll(contenders, contents(sizes[0], warmUp.instance));
  for (const size of sizes) {
    await throughAll(contenders, contents(size, warmUp.size));
    for (const concurrency of concurrencies) {
      findings.push(await compare(contenders, scale.small, size, concurrency));
    }
  }
  return findings;
}

async function inFreshInstance(stage: Stage, files: readonly Buffer[]): Promise<Finding> {
  const { cpu } = await throughUs(stage, files, BUSY);
  return {
    what: `The first ${files.length} files of an instance: our CPU a file`,
    against: 'the rows below, in instances that have served',
    value: total(cpu.upload) + total(cpu.scanner),
    unit: ' ms',
    detail: `1 KB each, ${BUSY} in flight, while compilers are at work. ${cpuText(cpu, 'ms')}`,
  };
}

/**
 * Compilers do most of their work meanwhile, as in an instance that serves. A larger file takes paths that a smaller one
 * does not, so each size has its own.
 */
async function throughAll({ stage, node, libraries }: Contenders, files: readonly Buffer[]): Promise<void> {
  await throughUs(stage, files, BUSY);
  await throughBare(node, files, BUSY);
  await throughBare(libraries, files, BUSY);
}

async function compare(
  { stage, node, libraries }: Contenders,
  { files, rounds }: Scale['small'],
  size: number,
  concurrency: number,
): Promise<Finding> {
  const passed: Passed[] = [];
  const measured = await sideBySide(
    {
      ours: async () => {
        const round = await throughUs(stage, contents(size, files), concurrency);
        passed.push(round);
        return total(round.cpu.upload) + total(round.cpu.scanner);
      },
      node: () => throughBare(node, contents(size, files), concurrency),
      libraries: () => throughBare(libraries, contents(size, files), concurrency),
      clamdAlone: async () => {
        const [bytes, slots] = [contents(size, files), Math.min(concurrency, SCAN_SLOTS)];
        const scan = (each: Buffer) => instream(stage.clamd.port, each);
        return files / (await secondsOf(() => inFlight(bytes, slots, scan)));
      },
    },
    rounds,
  );
  const times = (values: readonly number[]): string =>
    `${figure(quantile(values, 0.5))} / ${figure(quantile(values, 0.99))} ms`;
  const limit = (theirs: readonly number[]): string =>
    `${figure(median(theirs))} (we are at ${figure(pairedRatio(measured.ours, theirs))} of that)`;
  return {
    what: `${size / 1000} KB, ${concurrency} in flight: our CPU a file`,
    against: 'clamd alone through a raw socket',
    target: { atMost: 8 },
    value: median(measured.ours),
    unit: ' ms',
    detail:
      `${figure(median(passed.map(({ seconds }) => files / seconds)))} files a second beside ${figure(median(measured.clamdAlone))}; ` +
      `p50 / p99 of the upload's answer ${times(passed.flatMap(({ uploadMs }) => uploadMs))}, ` +
      `of finalize to event ${times(passed.flatMap(({ eventMs }) => eventMs))}`,
    limit:
      `Milliseconds a file in the last round: ${cpuText(passed.at(-1)?.cpu ?? {}, 'ms')}. A process that makes the same exchanges ` +
      'in the same order (8 requests to Cloud Storage, 2 that it answers, a scan, an event), with SHA-256 and CRC32C and nothing ' +
      'else, needs, by the libraries that this project is bound to (functions-framework, gaxios, clamdjs, Pub/Sub), as their ' +
      `documentation shows them: ${limit(measured.libraries)}; with Node's own http and a raw socket in place of all but the last: ` +
      `${limit(measured.node)}.`,
  };
}

interface Passed {
  readonly seconds: number;
  readonly uploadMs: readonly number[];
  readonly eventMs: readonly number[];
  /** Milliseconds a file. */
  readonly cpu: Readonly<Record<'upload' | 'scanner', CpuTime>>;
}

/** Uploads files, so many at a time, each until its verdict is out. */
async function throughUs(stage: Stage, files: readonly Buffer[], concurrency: number): Promise<Passed> {
  const uploadMs: number[] = [];
  const eventMs: number[] = [];
  const pass = async (bytes: Buffer): Promise<void> => {
    const start = performance.now();
    const { body } = await send(`${stage.url('upload')}/files`, {
      method: 'POST',
      headers: stage.authorization,
      body: bytes,
    });
    uploadMs.push(performance.now() - start);
    const { id } = JSON.parse(body.toString()) as { id: string };
    const delivery = await stage.front?.delivered(id);
    if (delivery) eventMs.push(delivery.answeredAt - delivery.finalizedAt);
  };
  let seconds = 0;
  const pids = { upload: stage.pid('upload'), scanner: stage.pid('scanner') };
  const { upload, scanner } = await cpuOf(pids, async () => {
    seconds = await secondsOf(() => inFlight(files, concurrency, pass));
  });
  const { length } = files;
  return {
    seconds,
    uploadMs,
    eventMs,
    cpu: { upload: eachMs(upload, length), scanner: eachMs(scanner, length) },
  };
}

/** @returns milliseconds of CPU a file */
async function throughBare(
  { url, pid }: Bare,
  files: readonly Buffer[],
  concurrency: number,
): Promise<number> {
  const post = (path: string, body: Buffer) => send(url + path, { method: 'POST', headers: OCTETS, body });
  const pass = async (bytes: Buffer): Promise<void> => {
    const { body: name } = await post('/upload', bytes);
    await post('/scan', name);
  };
  const { bare } = await cpuOf({ bare: pid }, () => inFlight(files, concurrency, pass));
  return total(eachMs(bare, files.length));
}

/** Contents of which no two are the same, so that each is scanned. */
function contents(size: number, count: number): readonly Buffer[] {
  return Array.from({ length: count }, () => randomBytes(size));
}

function eachMs({ user, kernel }: CpuTime, count: number): CpuTime {
  return { user: (user * 1000) / count, kernel: (kernel * 1000) / count };
}
