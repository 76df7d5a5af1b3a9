import { setTimeout as delay } from 'node:timers/promises';
import type { Bare } from '../../baseline/start-pipe.ts';
import { send } from '../../http.ts';
import { inFlight } from '../../in-flight.ts';
import { type CpuTime, cpuOf, forgetPeak, peakMemory, total } from '../../process.ts';
import { secondsOf } from '../../side-by-side.ts';
import type { Stage } from '../../stage/stage.ts';

/** functions-framework hands over the body of a request that says what it is. */
const OCTETS = { 'content-type': 'application/octet-stream' };
/** A file that is not decided after so long will not be: a refusal costs one pause of Pub/Sub, and not many. */
const DECIDED_WITHIN_MS = 150_000;
/** The first and the last files meet a backlog that is being taken up or has ended. */
const EDGE = 0.1;

/** How files went through: first all of them into the buckets, then, from a backlog that is full, to their verdicts. */
export interface Passed {
  readonly files: number;
  /** Files a second. */
  readonly uploaded: number;
  readonly decided: number;
  /** Seconds until the last verdict, refusals included. */
  readonly seconds: number;
  /** Share of the deliveries that the scanner refused. */
  readonly refused: number;
  /** Processors, at the rate of uploads for the upload function, and at that of verdicts for the others. */
  readonly busy: Readonly<Record<string, number>>;
  /** Bytes of resident memory, at most. */
  readonly memory: Readonly<Record<string, number>>;
}

/** A process that takes part. */
interface Instance {
  readonly url: string;
  readonly pid: number;
}

/** Instances that take turns, file by file. */
export interface Instances {
  readonly upload: readonly Instance[];
  /** The front leads to them already. */
  readonly scanner: readonly Instance[];
}

/** Makes a content that no other call ever makes. */
type NewContent = () => Buffer;

export interface Load {
  readonly files: number;
  readonly content: NewContent;
  /** Uploads at a time. */
  readonly uploads: number;
}

/** Those that every stage has. */
export function oneOfEach(stage: Stage): Instances {
  const of = (name: 'upload' | 'scanner') => [{ url: stage.url(name), pid: stage.pid(name) }];
  return { upload: of('upload'), scanner: of('scanner') };
}

export async function throughUs(
  stage: Stage,
  { files, content, uploads }: Load,
  instances = oneOfEach(stage),
): Promise<Passed> {
  const { front } = stage;
  if (!front) throw new Error('a stage without events');
  const uploading = pidsOf('upload', instances.upload);
  const scanning = { ...pidsOf('scanner', instances.scanner), clamd: stage.clamd.pid };
  const ours = { ...uploading, ...scanning };
  for (const pid of Object.values(ours)) forgetPeak(pid);
  const ids: string[] = [];
  const release = front.hold();
  const incoming = await spending(uploading, () =>
    eachIn(instances.upload, files, uploads, async ({ url: instance }) => {
      const url = `${instance}/files`;
      const { body } = await send(url, { method: 'POST', headers: stage.authorization, body: content() });
      ids.push((JSON.parse(body.toString()) as { id: string }).id);
    }),
  );
  const before = front.answers();
  let answeredAt: readonly number[] = [];
  const deciding = await spending({ ...scanning, emulator: stage.pid('storage') }, async () => {
    release();
    const deliveries = await inTime(Promise.all(ids.map((id) => front.delivered(id))));
    answeredAt = deliveries.map((delivery) => delivery.answeredAt);
  });
  const after = front.answers();
  const passed = ids.length; // Each instance has the same share, so it may be a few more.
  const [uploaded, decided] = [passed / incoming.seconds, steadyRate(answeredAt)];
  return {
    files: passed,
    uploaded,
    decided,
    seconds: deciding.seconds,
    refused: (after.refused - before.refused) / (after.all - before.all),
    busy: { ...busyAt(uploaded / passed, incoming.cpu), ...busyAt(decided / passed, deciding.cpu) },
    memory: Object.fromEntries(Object.entries(ours).map(([name, pid]) => [name, peakMemory(pid)])),
  };
}

/** Every instance gets its share, so that none has more at a time than the others. */
function eachIn(
  instances: readonly Instance[],
  files: number,
  atATime: number,
  work: (instance: Instance) => Promise<unknown>,
): Promise<unknown> {
  const [share, workers] = [Math.ceil(files / instances.length), atATime / instances.length];
  return Promise.all(
    instances.map((instance) => inFlight(Array<Instance>(share).fill(instance), workers, work)),
  );
}

/** Named as they are counted: `upload`, `upload 2`. */
function pidsOf(name: string, instances: readonly Instance[]): Record<string, number> {
  return Object.fromEntries(instances.map(({ pid }, at) => [at === 0 ? name : `${name} ${at + 1}`, pid]));
}

/** @param atATime files that are decided at a time @returns files decided a second */
export async function throughBare(
  { url }: Bare,
  { files, content, uploads }: Load,
  atATime: number,
): Promise<number> {
  const post = (path: string, body: Buffer) => send(url + path, { method: 'POST', headers: OCTETS, body });
  const names: Buffer[] = [];
  await inFlight([...Array(files).keys()], uploads, async () => {
    names.push((await post('/upload', content())).body);
  });
  const answeredAt: number[] = [];
  await inFlight(names, atATime, async (name) => {
    await post('/scan', name);
    answeredAt.push(performance.now());
  });
  return steadyRate(answeredAt);
}

/** Files a second between the tenth that come first and the tenth that come last. @param times in milliseconds */
export function steadyRate(times: readonly number[]): number {
  const sorted = times.toSorted((a, b) => a - b);
  const edge = Math.floor(sorted.length * EDGE);
  const [first, last] = [sorted[edge], sorted.at(-1 - edge)];
  if (first === undefined || last === undefined || last <= first) return Number.NaN;
  return ((sorted.length - 1 - 2 * edge) * 1000) / (last - first);
}

/** Seconds that some work takes, and what processes spend meanwhile. */
async function spending<Name extends string>(
  pids: Readonly<Record<Name, number>>,
  work: () => Promise<unknown>,
): Promise<{ readonly seconds: number; readonly cpu: Readonly<Record<Name, CpuTime>> }> {
  let seconds = 0;
  const cpu = await cpuOf(pids, async () => {
    seconds = await secondsOf(work);
  });
  return { seconds, cpu };
}

/** Processors that are busy where what was spent is spent so many times a second: without the pauses after refusals. */
function busyAt(timesASecond: number, cpu: Readonly<Record<string, CpuTime>>): Record<string, number> {
  return Object.fromEntries(Object.entries(cpu).map(([name, time]) => [name, total(time) * timesASecond]));
}

async function inTime<T>(work: Promise<T>): Promise<T> {
  const timer = new AbortController();
  const late = delay(DECIDED_WITHIN_MS, undefined, { signal: timer.signal }).then(() => {
    throw new Error(`not all are decided after ${DECIDED_WITHIN_MS / 1000} s`);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    timer.abort();
    late.catch(() => undefined);
  }
}
