import { randomBytes } from 'node:crypto';
import { EICAR } from '../../../shared/scanning/canary.ts';
import { type Bare, startBareFiles } from '../../baseline/start-pipe.ts';
import type { Bench, Row } from '../../bench.ts';
import { instream } from '../../clamd/instream.ts';
import { type Finding, figure } from '../../finding.ts';
import { send } from '../../http.ts';
import { inFlight } from '../../in-flight.ts';
import type { Stage } from '../../stage/stage.ts';
import { median, pairedRatio, quantile } from '../../stats.ts';
import { throughUs, timed } from './one-file.ts';

export const latencyAnswers: Row = {
  name: 'latency-times',
  title: 'How long a file takes at a latency of 40 ms',
  measure,
};

/** Files under way at a time: of us and of the bare exchange together, so that neither waits for a slot. */
const SMALL_AT_A_TIME = 3;
const OCTETS = { 'content-type': 'application/octet-stream' };

/** Milliseconds of one file each. */
interface Times {
  readonly upload: number[];
  readonly event: number[];
  readonly bareUpload: number[];
  readonly bareEvent: number[];
}

async function measure({ scale, distant }: Bench): Promise<readonly Finding[]> {
  const { small, large, largeBytes } = scale.latencyTimes;
  const stage = await distant();
  await using bare = await startBareFiles(stage, 'node');
  const kilobyte = () => randomBytes(1_000);
  const infected = () => Buffer.concat([EICAR, randomBytes(932)]);
  await timesOf(stage, bare, small / 2, kilobyte);
  await timesOf(stage, bare, small / 2, infected);
  const clean = await timesOf(stage, bare, small, kilobyte);
  const found = await timesOf(stage, bare, small, infected);
  return [
    {
      what: '1 KB: POST /files answered, p50',
      against: 'two requests in a row',
      target: { atMost: 50 },
      value: quantile(clean.upload, 0.5),
      unit: ' ms',
      detail: besideText(clean.upload, clean.bareUpload),
      limit:
        'Record and object are written side by side, in one round trip of 40 ms. The rest is the processors: of the client, ' +
        'the function and the emulator on this machine.',
    },
    eventFinding('1 KB, clean', clean, 205),
    eventFinding('1 KB, EICAR', found, 250, FOUND),
    await largeFinding(stage, large, largeBytes),
  ];
}

/** Ours and the bare exchange take turns, file by file. */
async function timesOf(stage: Stage, bare: Bare, files: number, content: () => Buffer): Promise<Times> {
  const times: Times = { upload: [], event: [], bareUpload: [], bareEvent: [] };
  await inFlight([...Array(files).keys()], SMALL_AT_A_TIME, async () => {
    const ours = await throughUs(stage, content());
    times.upload.push(ours.uploadMs);
    times.event.push(ours.eventMs);
    const [name, uploadMs] = await timed(() => post(`${bare.url}/upload`, content()));
    times.bareUpload.push(uploadMs);
    const [, eventMs] = await timed(() => post(`${bare.url}/scan`, name));
    times.bareEvent.push(eventMs);
  });
  return times;
}

/** Steps of ours that the bare exchange does not have. */
const FOUND =
  ' Ours writes the finding first, then looks whether the content is stored, and only then moves the file to quarantine: ' +
  'docs/adr/0027-findings.md and an operator who has released the content ask for that order.';

function eventFinding(what: string, { event, bareEvent }: Times, atMost: number, more = ''): Finding {
  return {
    what: `${what}: finalize to event, p50`,
    against: 'a bare exchange',
    target: { atMost },
    value: quantile(event, 0.5),
    unit: ' ms',
    detail: besideText(event, bareEvent),
    limit:
      'Bare is a Node process that makes the same requests in the same order and nothing else, from its request to its answer: ' +
      'two reads side by side, the bytes, the scan, promotion (or quarantine and the finding, side by side), the event, the verdict.' +
      more,
  };
}

/** p50 and p99 of ours, and of what stands beside it. */
function besideText(ours: readonly number[], theirs: readonly number[]): string {
  const text = (values: readonly number[]): string =>
    `${figure(quantile(values, 0.5))} / ${figure(quantile(values, 0.99))}`;
  return `p50 / p99 of ${ours.length}: ${text(ours)} ms, bare ${text(theirs)} ms`;
}

async function largeFinding(stage: Stage, times: number, bytes: number): Promise<Finding> {
  const [ours, inARow]: [number[], number[]] = [[], []];
  await throughUs(stage, randomBytes(bytes));
  for (let at = 0; at < times; at += 1) {
    ours.push((await throughUs(stage, randomBytes(bytes))).eventMs);
    inARow.push(await fourInARow(stage, randomBytes(bytes)));
  }
  return {
    what: `${bytes / 1e6} MB, clean: finalize to event`,
    against: 'four requests in a row and the scan',
    target: { atMost: 0.95 },
    value: pairedRatio(ours, inARow),
    unit: '×',
    detail: `${figure(median(ours))} ms beside ${figure(median(inARow))} ms`,
    limit:
      'The four are a read of metadata, the bytes (all of them before the scan), a rewrite and an insert, made by the benchmark ' +
      'itself. Ours also publishes the event, which takes 30 ms, and looks up the content before it reads a byte, since a ' +
      'duplicate is not read.',
  };
}

/** @returns milliseconds */
async function fourInARow(stage: Stage, body: Buffer): Promise<number> {
  names += 1;
  const name = `in-a-row-${names}`;
  const objects = `${stage.storageUrl}/storage/v1/b/permanent/o`;
  const insert = `${stage.storageUrl}/upload/storage/v1/b/permanent/o?uploadType=media&name=`;
  await post(insert + name, body);
  const [, ms] = await timed(async () => {
    await send(`${objects}/${name}`);
    const bytes = (await send(`${objects}/${name}?alt=media`)).body;
    await instream(stage.clamd.port, bytes);
    const headers = { 'content-type': 'application/json' };
    const rewrite = `${objects}/${name}/rewriteTo/b/permanent/o/blob-${name}`;
    await send(rewrite, { method: 'POST', headers, body: Buffer.from('{}') });
    await post(`${insert}verdict-${name}`, Buffer.alloc(0));
  });
  return ms;
}

/** No two stages share objects, but they may share this process. */
let names = 0;

async function post(url: string, body: Buffer): Promise<Buffer> {
  return (await send(url, { method: 'POST', headers: OCTETS, body })).body;
}
