import { randomUUID } from 'node:crypto';
import { createReadStream, type ReadStream, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { detach } from '../../shared/runtime/memory.ts';
import { type Bare, startPipe } from '../baseline/start-pipe.ts';
import type { Bench, Row } from '../bench.ts';
import { type Clamdscan, provideClamdscan } from '../clamd/clamdscan.ts';
import { deleted } from '../clean.ts';
import { KINDS, type Kind, writeContent } from '../content.ts';
import { cpuText } from '../costs.ts';
import { type Finding, figure } from '../finding.ts';
import { send } from '../http.ts';
import { type CpuTime, cpuOf } from '../process.ts';
import { type Contender, secondsOf, sideBySide } from '../side-by-side.ts';
import type { Delivery, Front } from '../stage/front.ts';
import { boundsOf, type Stage } from '../stage/stage.ts';
import { median, pairedRatio } from '../stats.ts';

export const scan: Row = { name: 'scan', title: 'Scan of large files, and of duplicates', measure };

async function measure(bench: Bench): Promise<readonly Finding[]> {
  const stage = await bench.live();
  const clamdscan = await provideClamdscan(stage.clamd.confFile);
  const findings: Finding[] = [];
  // Code that is loaded once is no part of a scan.
  await delivered(stage, Buffer.from('The first file of all.'));
  for (const kind of KINDS) findings.push(...(await measureKind(bench, stage, clamdscan, kind)));
  return findings;
}

/** Known besides the seconds of the first scans. */
interface Scanned {
  readonly again: number[];
  bytesReadAgain: number;
  spent: Readonly<Record<string, CpuTime>>;
}

async function measureKind(
  { scale, folder }: Bench,
  stage: Stage,
  clamdscan: Clamdscan,
  kind: Kind,
): Promise<readonly Finding[]> {
  const { bytes, rounds } = scale.scan;
  const file = join(folder, `scan.${kind}`);
  const scanned: Scanned = { again: [], bytesReadAgain: 0, spent: {} };
  await using pipe = await startPipe(stage.storageUrl, boundsOf(stage));
  const contenders: Readonly<Record<string, Contender>> = {
    ours: async () => {
      // The same bytes again would be a duplicate, and not be scanned.
      await writeContent(kind, bytes, file);
      return scanTwice(stage, file, scanned);
    },
    theirs: () => {
      touchMemory(bytes);
      return secondsOf(() => clamdscan(file));
    },
    // An archive is clamd's time alone, and takes most of the minutes there are.
    ...(kind !== 'zip' && { pipe: () => pipedScan(stage, pipe, file) }),
  };
  await writeContent(kind, bytes, file);
  const seconds = await sideBySide(contenders, rounds);
  rmSync(file);
  return findingsOf(`${Math.round(bytes / 1e6)} MB of ${kind}`, seconds, scanned);
}

/** Uploads a file and has it scanned, and uploads it again. @returns seconds from the event to the first verdict */
async function scanTwice(stage: Stage, file: string, scanned: Scanned): Promise<number> {
  const pids = { clamd: stage.clamd.pid, scanner: stage.pid('scanner'), emulator: stage.pid('storage') };
  let seconds = 0;
  scanned.spent = await cpuOf(pids, async () => {
    seconds = secondsToVerdict(await uploaded(stage, file));
  });
  await stage.resetOperations();
  scanned.again.push(secondsToVerdict(await uploaded(stage, file)));
  const { operations } = await stage.operations();
  scanned.bytesReadAgain += operations['objects.getMedia']?.bytesOut ?? 0;
  return seconds;
}

function findingsOf(
  what: string,
  { ours = [], theirs = [], pipe = [] }: Readonly<Record<string, readonly number[]>>,
  { again, bytesReadAgain, spent }: Scanned,
): Finding[] {
  const { clamd, ...others } = spent;
  const clamdSeconds = clamd ? clamd.user + clamd.kernel : Number.NaN;
  const share = clamdSeconds / (ours.at(-1) ?? Number.NaN);
  return [
    {
      what: `Scan of ${what}: event to verdict`,
      against: 'clamdscan --stream',
      target: { atMost: 1.05 },
      value: pairedRatio(ours, theirs),
      unit: '×',
      detail: `${figure(median(ours))} s beside ${figure(median(theirs))} s`,
      limit:
        `clamd itself ran for ${figure(clamdSeconds)} s of the last ${figure(ours.at(-1) ?? Number.NaN)} s, ` +
        `${figure(share * 100)} %. Beside it, upload included: ${cpuText(others)}.${besides(ours, pipe)}`,
    },
    {
      what: `Duplicate of ${what}`,
      against: 'its first scan',
      target: { atLeast: bytesReadAgain === 0 ? 50 : Number.POSITIVE_INFINITY },
      value: pairedRatio(ours, again),
      unit: '×',
      detail: `${figure(median(again) * 1000)} ms beside ${figure(median(ours))} s, ${bytesReadAgain} bytes read`,
      limit: 'A verdict without a byte read takes a few requests to Cloud Storage, whatever the size.',
    },
  ];
}

/**
 * The time that the same bytes take from the same emulator to the same clamd through a pipe that digests them and does
 * no more.
 */
function besides(ours: readonly number[], pipe: readonly number[]): string {
  if (pipe.length === 0) return '';
  return (
    ` clamdscan reads a local file. A bare Node pipe from the emulator to clamd, which takes SHA-256 and CRC32C as we ` +
    `must, needs ${figure(median(pipe))} s; we need ${figure(pairedRatio(ours, pipe))} of that.`
  );
}

/** @returns seconds */
async function pipedScan(stage: Stage, pipe: Bare, file: string): Promise<number> {
  const name = `scan-by-pipe-${randomUUID()}`;
  const upload = `/upload/storage/v1/b/permanent/o?uploadType=media&name=${name}`;
  const body = createReadStream(file, { highWaterMark: 256 * 1024 });
  await send(stage.storageUrl + upload, { method: 'POST', body });
  const headers = { 'x-clamd': String(stage.clamd.port) };
  const path = `/storage/v1/b/permanent/o/${name}`;
  touchMemory(statSync(file).size);
  const seconds = await secondsOf(() => send(`${pipe.url}${path}?alt=media`, { method: 'POST', headers }));
  await deleted(stage.bucket('permanent'), name);
  return seconds;
}

function uploaded(stage: Stage, file: string): Promise<Delivery> {
  const bytes = createReadStream(file, { highWaterMark: 256 * 1024 });
  return delivered(stage, bytes, () => touchMemory(statSync(file).size));
}

/** @param prepare is done between the upload and its event */
async function delivered(
  stage: Stage,
  bytes: Buffer | ReadStream,
  prepare: () => void = () => undefined,
): Promise<Delivery> {
  const headers = stage.authorization;
  const front = frontOf(stage);
  const letGo = front.hold();
  const { body } = await send(`${stage.url('upload')}/files`, { method: 'POST', headers, body: bytes });
  const { id } = JSON.parse(body.toString()) as { id: string };
  prepare();
  letGo();
  return front.delivered(id);
}

/**
 * A virtual machine may have given its free memory back to its host, and the first process that takes it then pays for
 * it: up to half of a scan, whose bytes clamd keeps in a file. So it is taken before, in each measurement.
 */
function touchMemory(bytes: number): void {
  detach(Buffer.alloc(2 * bytes, 1));
}

function frontOf({ front }: Stage): Front {
  if (!front) throw new Error('this stage has no events');
  return front;
}

function secondsToVerdict({ deliveredAt, answeredAt }: Delivery): number {
  return (answeredAt - deliveredAt) / 1000;
}
