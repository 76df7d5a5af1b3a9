import { RECORDS_PREFIX } from '../../../shared/files/records.ts';
import { type Bare, startPipe } from '../../baseline/start-pipe.ts';
import type { Bench, Row } from '../../bench.ts';
import { empty } from '../../clean.ts';
import { cpuText } from '../../costs.ts';
import { type Finding, figure } from '../../finding.ts';
import { drain, send } from '../../http.ts';
import { inFlight } from '../../in-flight.ts';
import { type CpuTime, cpuOf } from '../../process.ts';
import { MIB, type Scale } from '../../scale.ts';
import { ONCE, secondsOf, sideBySide } from '../../side-by-side.ts';
import { moduleDefaults } from '../../stage/module-defaults.ts';
import { seedCleanFile } from '../../stage/seed.ts';
import { boundsOf, type Stage } from '../../stage/stage.ts';
import { median, pairedRatio, quantile } from '../../stats.ts';

export const latencyBytes: Row = {
  name: 'latency-bytes',
  title: 'Uploads and downloads at a latency of 40 ms and 200 MB/s a connection',
  measure,
};

/** Round trip of the profile `flat`. */
const ROUND_TRIP_MS = 40;
/**
 * Round trips of a pipe that asks for the record first and then for the bytes; what it takes beyond them, the machine
 * takes.
 */
const PIPE_TRIPS = 2;

async function measure({ scale, distant }: Bench): Promise<readonly Finding[]> {
  const stage = await distant();
  return [
    await uploadFinding(stage, scale.latencyBytes),
    ...(await downloadFindings(stage, scale.latencyBytes)),
  ];
}

async function uploadFinding(stage: Stage, { uploadBytes, rounds }: Scale['latencyBytes']): Promise<Finding> {
  const unscanned = stage.bucket('unscanned');
  let spent: Readonly<Record<string, CpuTime>> = {};
  let chunks = 0;
  const rate = async (work: () => Promise<unknown>): Promise<number> => {
    const seconds = await secondsOf(work);
    await empty(unscanned);
    return uploadBytes / 1e6 / seconds;
  };
  const release = stage.front?.hold(); // A scan would take the processors.
  const rates = await sideBySide(
    {
      ours: () =>
        rate(async () => {
          const headers = { ...stage.authorization, 'content-type': 'application/octet-stream' };
          const pids = { upload: stage.pid('upload'), emulator: stage.pid('storage') };
          const before = await chunksOf(stage);
          spent = await cpuOf(pids, () =>
            send(`${stage.url('upload')}/files`, { method: 'POST', headers, body: uploadBytes }),
          );
          chunks = (await chunksOf(stage)) - before;
        }),
      connection: () => rate(() => straightTo(stage, uploadBytes)),
    },
    rounds,
  );
  release?.();
  return {
    what: `Upload of ${uploadBytes / MIB} MiB by POST /files`,
    against: 'one PUT straight to Cloud Storage',
    target: { atLeast: 0.9 },
    value: pairedRatio(rates.ours, rates.connection),
    unit: '×',
    detail: `${figure(median(rates.ours))} MB/s beside ${figure(median(rates.connection))} MB/s`,
    limit:
      `Each of its ${chunks} chunks is acknowledged before the next is sent, since memory holds no more: ` +
      `${figure((chunks * ROUND_TRIP_MS) / 1000)} s of ${figure(uploadBytes / 1e6 / median(rates.ours))} s. ` +
      `CPU of the last upload: ${cpuText(spent)}. Where the PUT stays below 200 MB/s, the machine is the limit.`,
  };
}

async function chunksOf(stage: Stage): Promise<number> {
  return (await stage.operations()).operations['resumable.chunk']?.calls ?? 0;
}

async function straightTo({ storageUrl }: Stage, bytes: number): Promise<void> {
  const start = `${storageUrl}/upload/storage/v1/b/permanent/o?uploadType=resumable&name=straight`;
  const headers = { 'content-type': 'application/json' };
  const session = await send(start, { method: 'POST', headers, body: Buffer.from('{}') });
  await send(session.headers.location ?? '', { method: 'PUT', body: bytes });
}

async function downloadFindings(
  stage: Stage,
  { inARow, atOnce }: Scale['latencyBytes'],
): Promise<readonly Finding[]> {
  await using pipe = await startPipe(stage.storageUrl, boundsOf(stage));
  const small = await targetOf(stage, pipe, 1_000);
  const large = await targetOf(stage, pipe, 4 * MIB);
  const range = { range: `bytes=${MIB}-${2 * MIB - 1}` };
  await inFlight([...Array(inARow).keys()], 1, () => drain(small.url, small.headers)); // Compilers are warm from here on.
  return [
    await tripsFinding('Download of 1 KB', small, inARow),
    await tripsFinding('A range of 1 MiB', large, inARow, range),
    await rateFinding(stage, small, atOnce),
  ];
}

/** A file, and how to ask us and a bare pipe for it. */
interface Target {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly pipeUrl: string;
  /** The pipe asks for the record first, and for the content's metadata while it reads, as we do. */
  readonly pipeHeaders: Readonly<Record<string, string>>;
}

async function targetOf(stage: Stage, pipe: Bare, bytes: number): Promise<Target> {
  const { id, blob } = await seedCleanFile(stage, bytes);
  const about = (name: string) => `/storage/v1/b/permanent/o/${encodeURIComponent(name)}`;
  return {
    url: `${stage.url('files')}/files/${id}`,
    headers: stage.authorization,
    pipeUrl: `${pipe.url}${about(blob)}?alt=media`,
    pipeHeaders: { 'x-work': 'digests', 'x-ask': about(RECORDS_PREFIX + id), 'x-beside': about(blob) },
  };
}

async function tripsFinding(
  what: string,
  { url, headers, pipeUrl, pipeHeaders }: Target,
  times: number,
  more: Readonly<Record<string, string>> = {},
): Promise<Finding> {
  const [ours, theirs]: [number[], number[]] = [[], []];
  for (let at = 0; at < times; at += 1) {
    ours.push((await secondsOf(() => drain(url, { ...headers, ...more }))) * 1000);
    theirs.push((await secondsOf(() => drain(pipeUrl, { ...pipeHeaders, ...more }))) * 1000);
  }
  const [p50, pipe50] = [quantile(ours, 0.5), quantile(theirs, 0.5)];
  const overhead = Math.max(0, pipe50 - PIPE_TRIPS * ROUND_TRIP_MS);
  return {
    what: `${what}: round trips to Cloud Storage, p50`,
    against: `${ROUND_TRIP_MS} ms each`,
    target: { atMost: 2 },
    value: Math.round((p50 - overhead) / ROUND_TRIP_MS),
    unit: '',
    detail: `p50 ${figure(p50)} ms, a pipe that asks for the record first and then for the bytes ${figure(pipe50)} ms`,
  };
}

async function rateFinding(
  stage: Stage,
  { url, headers, pipeUrl, pipeHeaders }: Target,
  downloads: number,
): Promise<Finding> {
  const { files: atATime } = moduleDefaults().concurrency;
  let spent: Readonly<Record<string, CpuTime>> = {};
  const rate = async (of: string, by: Readonly<Record<string, string>>): Promise<number> => {
    const work = () => inFlight([...Array(downloads).keys()], atATime, () => drain(of, by));
    return downloads / (await secondsOf(work));
  };
  const contenders = {
    ours: async () => {
      let value = 0;
      const pids = { client: process.pid, files: stage.pid('files'), emulator: stage.pid('storage') };
      spent = await cpuOf(pids, async () => {
        value = await rate(url, headers);
      });
      return value;
    },
    pipe: () => rate(pipeUrl, pipeHeaders),
  };
  await sideBySide(contenders, ONCE);
  const rates = await sideBySide(contenders, ONCE);
  return {
    what: 'Downloads of 1 KB a second',
    against: 'a pipe that asks as we do',
    target: { atLeast: 500 },
    value: median(rates.ours),
    unit: '',
    detail: `${atATime} at a time; the pipe ${figure(median(rates.pipe))}`,
    limit: `CPU for ${downloads}: ${cpuText(spent)}.`,
  };
}
