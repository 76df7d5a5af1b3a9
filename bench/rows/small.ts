import { randomBytes } from 'node:crypto';
import { SCAN_SLOTS } from '../../infra/local/config.ts';
import { type Bare, startBareFiles } from '../baseline/startPipe.ts';
import type { Bench, Row } from '../bench.ts';
import { instream } from '../clamd/instream.ts';
import { cpuText } from '../costs.ts';
import { type Finding, figure } from '../finding.ts';
import { send } from '../http.ts';
import { inFlight } from '../inFlight.ts';
import { type CpuTime, cpuOf, total } from '../process.ts';
import { secondsOf } from '../sideBySide.ts';
import type { Stage } from '../stage/stage.ts';
import { quantile } from '../stats.ts';

export const small: Row = { name: 'small', title: 'Small files, from upload to verdict', measure };

/** Times as many as are measured at a time: by then compilers have done most of their work, as in an instance that serves. */
const WARM_UP = 8;

async function measure({ scale, live }: Bench): Promise<readonly Finding[]> {
  const stage = await live();
  const { sizes, inFlight, files } = scale.small;
  await throughUs(stage, contents(1_000, files * WARM_UP), 8);
  await using bare = await startBareFiles(stage);
  await throughBare(bare, contents(1_000, files * WARM_UP), 8);
  const findings: Finding[] = [];
  for (const size of sizes) {
    for (const concurrency of inFlight) {
      findings.push(await compare(stage, contents(size, files), concurrency, bare));
    }
  }
  return findings;
}

async function compare(
  stage: Stage,
  files: readonly Buffer[],
  concurrency: number,
  bare: Bare,
): Promise<Finding> {
  const count = files.length;
  const alone = await secondsOf(() =>
    inFlight(files, Math.min(concurrency, SCAN_SLOTS), (bytes) => instream(stage.clamd.port, bytes)),
  );
  const passed = await throughUs(stage, files, concurrency);
  const bareMs = await throughBare(bare, files, concurrency);
  const { upload, scanner } = passed.cpu;
  const spent = { upload: eachMs(upload, count), scanner: eachMs(scanner, count) };
  const ours = total(spent.upload) + total(spent.scanner);
  const times = (values: readonly number[]): string =>
    `${figure(quantile(values, 0.5))} / ${figure(quantile(values, 0.99))} ms`;
  return {
    what: `${(files[0]?.length ?? 0) / 1000} KB, ${concurrency} in flight: our CPU a file`,
    against: 'clamd alone through a raw socket',
    target: { atMost: 8 },
    value: ours,
    unit: ' ms',
    detail:
      `${figure(count / passed.seconds)} files a second beside ${figure(count / alone)}; p50 / p99 of the upload's ` +
      `answer ${times(passed.uploadMs)}, of finalize to event ${times(passed.eventMs)}`,
    limit:
      `Milliseconds a file: ${cpuText(spent).replaceAll(' s (', ' (')}. A bare Node process that makes the same exchanges in ` +
      "the same order (8 requests to Cloud Storage by Node's own http, 2 that it answers, a scan by a raw socket, a message by " +
      `Pub/Sub's library), with SHA-256 and CRC32C and nothing else, needs ${figure(bareMs)}; we are at ` +
      `${figure(ours / bareMs)} of that. Beside it come functions-framework, gaxios, what is checked and compared, and four ` +
      'lines of log.',
  };
}

interface Passed {
  readonly seconds: number;
  readonly uploadMs: readonly number[];
  readonly eventMs: readonly number[];
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
  const cpu = await cpuOf(pids, async () => {
    seconds = await secondsOf(() => inFlight(files, concurrency, pass));
  });
  return { seconds, uploadMs, eventMs, cpu };
}

/** @returns milliseconds of CPU a file */
async function throughBare(
  { url, pid }: Bare,
  files: readonly Buffer[],
  concurrency: number,
): Promise<number> {
  const { bare } = await cpuOf({ bare: pid }, () =>
    inFlight(files, concurrency, async (body) => {
      const { body: name } = await send(`${url}/upload`, { method: 'POST', body });
      await send(`${url}/scan`, { method: 'POST', body: name });
    }),
  );
  return total(eachMs(bare, files.length));
}

/** Of which no two are the same, so that each is scanned. */
function contents(size: number, count: number): readonly Buffer[] {
  return Array.from({ length: count }, () => randomBytes(size));
}

function eachMs({ user, kernel }: CpuTime, count: number): CpuTime {
  return { user: (user * 1000) / count, kernel: (kernel * 1000) / count };
}
