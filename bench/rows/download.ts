import { RECORDS_PREFIX } from '../../shared/files/records.ts';
import { startPipe } from '../baseline/start-pipe.ts';
import type { Bench, Row } from '../bench.ts';
import { cpuText } from '../costs.ts';
import { type Finding, figure } from '../finding.ts';
import { drain } from '../http.ts';
import { type CpuTime, cpuOf } from '../process.ts';
import { MIB } from '../scale.ts';
import { type Contender, ONCE, type Rounds, secondsOf, sideBySide } from '../side-by-side.ts';
import { seedCleanFile } from '../stage/seed.ts';
import { boundsOf, type Stage } from '../stage/stage.ts';
import { median, pairedRatio } from '../stats.ts';

const RANGE_BYTES = MIB;

export const download: Row = { name: 'download', title: 'Download', measure };

async function measure({ scale, still }: Bench): Promise<readonly Finding[]> {
  const { bytes, ranges, rounds } = scale.download;
  const stage = await still();
  await using pipe = await startPipe(stage.storageUrl);
  await using bounded = await startPipe(stage.storageUrl, boundsOf(stage));
  const { id, blob } = await seedCleanFile(stage, bytes);
  const about = (name: string) => `/storage/v1/b/permanent/o/${encodeURIComponent(name)}`;
  const media = `${about(blob)}?alt=media`;
  const urls = {
    ours: `${stage.url('files')}/files/${id}`,
    direct: stage.storageUrl + media,
    pipe: pipe.url + media,
    digests: bounded.url + media,
  };
  const readWhole = (url: string) => async () => {
    if ((await drain(url, headersOf(stage, url))) !== bytes) throw new Error(`${url} ended early`);
    return bytes;
  };
  const readRanges =
    (url: string, more: Readonly<Record<string, string>> = {}) =>
    async () => {
      let sum = 0;
      for (let at = 0; at < ranges; at += 1)
        sum += await drain(url, { ...rangeAt(at, bytes), ...headersOf(stage, url), ...more });
      return sum;
    };
  const wholes = mapped(urls, readWhole);
  await compare(stage, wholes, ONCE); // Compilers and caches are warm from here on.
  const whole = await compare(stage, wholes, rounds);
  const asking = readRanges(urls.digests, {
    'x-ask': about(RECORDS_PREFIX + id),
    'x-beside': about(blob),
  });
  const ranged = await compare(stage, { ...mapped(urls, (url) => readRanges(url)), asking }, rounds);
  return [
    finding(`Download of ${bytes / MIB} MiB`, whole),
    finding(`${ranges} ranges of 1 MiB, one after the other`, ranged, askedText(ranged)),
  ];
}

type Way = 'ours' | 'direct' | 'pipe' | 'digests';
/** @returns bytes */
type Read = () => Promise<number>;

interface Compared<Name extends string> {
  /** MB/s */
  readonly rates: Readonly<Record<Name, readonly number[]>>;
  readonly spent: Readonly<Record<string, CpuTime>>;
}

function mapped(
  urls: Readonly<Record<Way, string>>,
  read: (url: string) => Read,
): Readonly<Record<Way, Read>> {
  const { ours, direct, pipe, digests } = urls;
  return { ours: read(ours), direct: read(direct), pipe: read(pipe), digests: read(digests) };
}

async function compare<Name extends string>(
  stage: Stage,
  reads: Readonly<Record<Name, Read>>,
  rounds: Rounds,
): Promise<Compared<Name>> {
  let spent: Readonly<Record<string, CpuTime>> = {};
  const pids = { client: process.pid, files: stage.pid('files'), emulator: stage.pid('storage') };
  const contender = ([name, read]: [string, Read]): [string, Contender] => [
    name,
    async () => {
      let bytes = 0;
      let seconds = 0;
      const cpu = await cpuOf(pids, async () => {
        seconds = await secondsOf(async () => {
          bytes = await read();
        });
      });
      if (name === 'ours') spent = cpu;
      return bytes / 1e6 / seconds;
    },
  ];
  const contenders = Object.fromEntries(Object.entries<Read>(reads).map(contender)) as Record<
    Name,
    Contender
  >;
  const rates = await sideBySide(contenders, rounds);
  return { rates, spent };
}

function finding(what: string, { rates, spent }: Compared<Way>, more = ''): Finding {
  return {
    what,
    against: 'the emulator, read directly',
    target: { atLeast: 0.9 },
    value: pairedRatio(rates.ours, rates.direct),
    unit: '×',
    detail: `${figure(median(rates.ours))} MB/s beside ${figure(median(rates.direct))} MB/s`,
    limit:
      `Anything in between moves each byte through the loopback twice. A bare Node pipe in the same place gets ` +
      `${figure(median(rates.pipe))} MB/s, ${figure(pairedRatio(rates.pipe, rates.direct))} of a direct read; one that ` +
      `takes the CRC32C, with memory bounded as ours is, ${figure(median(rates.digests))} MB/s. We are at ` +
      `${figure(pairedRatio(rates.ours, rates.digests))} of that. CPU of the last read: ${cpuText(spent)}. ${more} ` +
      'REDIRECT_ABOVE_BYTES sends clients to Cloud Storage itself, and then nothing stands between.',
  };
}

/** The cost of rights to a range, independent of the code that manages them. */
function askedText({ rates }: Compared<Way | 'asking'>): string {
  return (
    'Before each, the token is verified and three objects are asked, since who may see a file and whether malware was found ' +
    'in it may have changed: four requests, two of them in sequence, where a pipe has one. A pipe that asks for these two ' +
    `objects just so, and does nothing with the answers, gets ${figure(median(rates.asking))} MB/s, ` +
    `${figure(pairedRatio(rates.asking, rates.direct))} of a direct read; we are at ` +
    `${figure(pairedRatio(rates.ours, rates.asking))} of that.`
  );
}

/** The bounded pipe does the work that its header names; the others do not know it. */
/** The token is the function's alone: to the emulator it is none of Google's. */
function headersOf(stage: Stage, url: string): Record<string, string> {
  const own = url.startsWith(stage.url('files')) ? stage.authorization : {};
  return { ...own, 'x-work': 'digests' };
}

function rangeAt(at: number, bytes: number): Record<string, string> {
  const start = (at * RANGE_BYTES) % (bytes - RANGE_BYTES + 1);
  return { range: `bytes=${start}-${start + RANGE_BYTES - 1}` };
}
