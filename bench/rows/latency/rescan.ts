import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { BLOBS_PREFIX } from '../../../shared/files/blob-name.ts';
import type { Bench, Row } from '../../bench.ts';
import { type Finding, figure } from '../../finding.ts';
import { send } from '../../http.ts';
import { inFlight } from '../../in-flight.ts';
import { setNice } from '../../process.ts';
import { seedContents } from '../../stage/seed.ts';
import type { Stage } from '../../stage/stage.ts';
import { quantile } from '../../stats.ts';
import { throughUs } from './one-file.ts';

export const latencyRescan: Row = {
  name: 'latency-rescan',
  title: 'Uploads while all that is stored is scanned again, at a latency of 40 ms',
  measure,
};

/** Files under way at a time. */
const AT_A_TIME = 3;
/** A version of the signatures that no clamd of today has. */
const DATABASE = 1;
/** The lowest priority: where it is deployed, the rescanner has processors to itself, and the scanner's are not for it. */
const LAST = 19;
const LOOK_AFTER_MS = 5_000;
const GIVE_UP_MS = 900_000;
const PERCENTILE = 0.99;

async function measure({ scale, distant, say }: Bench): Promise<readonly Finding[]> {
  const { contents, files } = scale.rescan;
  const stage = await distant();
  for (const pid of [stage.pid('rescanner'), stage.rescannerClamdPid]) if (pid) setNice(pid, LAST);
  await seedContents(stage, contents, DATABASE);
  await timesOf(stage, files / 2, () => true);
  const before = await timesOf(stage, files, () => true);
  say(`  ${contents} contents are scanned again`);
  const start = performance.now();
  await send(`${stage.url('sweeper')}/rescans`, {
    method: 'POST',
    headers: { ...(await stage.operator()), 'content-type': 'application/json' },
    body: Buffer.from(JSON.stringify({ job: 'benchmark', database: DATABASE })),
  });
  const walking = send(`${stage.url('sweeper')}/rescan`, {
    method: 'POST',
    headers: await stage.scheduled(),
  });
  let isOver = false;
  const looking = (async () => {
    try {
      await walking;
      while ((await dueIn(stage)) > 0) {
        if (performance.now() - start > GIVE_UP_MS) throw new Error('not all contents were scanned again');
        await delay(LOOK_AFTER_MS);
      }
    } finally {
      isOver = true;
    }
  })();
  looking.catch(() => undefined);
  const during = await timesOf(stage, Number.POSITIVE_INFINITY, () => !isOver);
  await looking;
  const seconds = (performance.now() - start) / 1000;
  const after = await timesOf(stage, files, () => true);
  const without = [...before, ...after];
  const text = (times: readonly number[]): string =>
    `${figure(quantile(times, 0.5))} / ${figure(quantile(times, PERCENTILE))}`;
  const p99 = (times: readonly number[]): number => quantile(times, PERCENTILE);
  const noise = Math.max(p99(before), p99(after)) / Math.min(p99(before), p99(after));
  return [
    {
      what: `1 KB: finalize to event, p99, while ${contents} contents are scanned again`,
      against: 'before and after it',
      target: { atMost: 1.1 },
      value: p99(during) / p99(without),
      unit: '×',
      detail:
        `p50 / p99 of ${during.length} files beside the re-scan: ${text(during)} ms; of ${without.length} without it: ` +
        `${text(without)} ms (before ${text(before)}, after ${text(after)}: ${figure(noise)} × apart). ` +
        `${figure(contents / seconds)} contents a second were scanned again. The rescanner and its ClamAV have the ` +
        'lowest priority here, where they share the processors and the emulators with the uploads.',
      limit: 'Deployed, the two have separate instances, and share Cloud Storage alone.',
    },
  ];
}

/** Uploads files until there are so many, or it is over. @returns milliseconds from each file's finalization to its event */
async function timesOf(stage: Stage, files: number, goesOn: () => boolean): Promise<number[]> {
  const times: number[] = [];
  let begun = 0;
  await inFlight([...Array(AT_A_TIME).keys()], AT_A_TIME, async () => {
    while (begun < files && goesOn()) {
      begun += 1;
      times.push((await throughUs(stage, randomBytes(1_000))).eventMs);
    }
  });
  return times;
}

/** @returns how many stored contents have not been scanned again */
async function dueIn(stage: Stage): Promise<number> {
  const permanent = stage.bucket('permanent');
  let [due, pageToken]: [number, string | undefined] = [0, undefined];
  do {
    const page = await permanent.list({
      prefix: BLOBS_PREFIX,
      maxResults: 1000,
      ...(pageToken && { pageToken }),
    });
    due += page.objects.filter(({ metadata }) => metadata['database'] === String(DATABASE)).length;
    pageToken = page.nextPageToken;
  } while (pageToken);
  return due;
}
