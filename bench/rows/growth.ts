import type { Bench, Row } from '../bench.ts';
import { type Finding, figure } from '../finding.ts';
import { send } from '../http.ts';
import { forgetPeak, peakMemory } from '../process.ts';
import { MIB } from '../scale.ts';
import { secondsOf } from '../side-by-side.ts';
import { seedRecords } from '../stage/seed.ts';
import type { Stage } from '../stage/stage.ts';
import { quantile } from '../stats.ts';

export const growth: Row = { name: 'growth', title: 'Growth with the number of files', measure };

const PAGE = 100;
/** The largest difference between the smallest and the largest number that counts as flat, noise included. */
const FLAT = { atMost: 1.3 };

interface Point {
  readonly records: number;
  /** Milliseconds, p50. */
  readonly status: number;
  readonly page: number;
  readonly sweepSeconds: number;
  readonly sweeperBytes: number;
}

async function measure({ scale, live, say }: Bench): Promise<readonly Finding[]> {
  const stage = await live();
  const ids: string[] = [];
  const points: Point[] = [];
  for (const records of scale.growth.records) {
    ids.push(...(await seedRecords(stage, records - ids.length)));
    say(`  ${records} records`);
    // Compilers and caches are warm from here on.
    if (points.length === 0) await pointAt(stage, ids, scale.growth.requests);
    points.push(await pointAt(stage, ids, scale.growth.requests));
  }
  return findingsOf(points);
}

async function pointAt(stage: Stage, ids: readonly string[], requests: number): Promise<Point> {
  const status = await timesOf(requests, (at) => {
    const id = ids[(at * 7919) % ids.length];
    return send(`${stage.url('files')}/files/${id}/status`, { headers: stage.authorization });
  });
  let next: string | undefined;
  const page = await timesOf(Math.ceil(requests / 4), async () => {
    const cursor = next === undefined ? '' : `&cursor=${encodeURIComponent(next)}`;
    const url = `${stage.url('files')}/files?limit=${Math.min(PAGE, ids.length)}${cursor}`;
    const { body } = await send(url, { headers: stage.authorization });
    ({ next } = JSON.parse(body.toString()) as { next?: string });
  });
  const sweeper = stage.pid('sweeper');
  forgetPeak(sweeper);
  const headers = await stage.scheduled();
  const sweepSeconds = await secondsOf(() =>
    send(`${stage.url('sweeper')}/sweep`, { method: 'POST', headers }),
  );
  return {
    records: ids.length,
    status: quantile(status, 0.5),
    page: quantile(page, 0.5),
    sweepSeconds,
    sweeperBytes: peakMemory(sweeper),
  };
}

async function timesOf(requests: number, ask: (at: number) => Promise<unknown>): Promise<number[]> {
  const times: number[] = [];
  for (let at = 0; at < requests; at += 1) times.push((await secondsOf(() => ask(at))) * 1000);
  return times;
}

function findingsOf(points: readonly Point[]): readonly Finding[] {
  const against = `itself at ${points[0]?.records} records`;
  const series = (text: (point: Point) => string): string =>
    points.map((point) => `${text(point)} at ${point.records}`).join(', ');
  const growthOf = (value: (point: Point) => number, since = points[0]): number => {
    const last = points.at(-1);
    return since && last ? value(last) / value(since) : Number.NaN;
  };
  const common = { against, target: FLAT, unit: '×' };
  return [
    {
      ...common,
      what: 'Status of a file, p50',
      value: growthOf(({ status }) => status),
      detail: `ms: ${series(({ status }) => figure(status))}`,
    },
    {
      ...common,
      what: `Page of ${PAGE} of a listing, p50`,
      value: growthOf(({ page }) => page),
      detail: `ms: ${series(({ page }) => figure(page))}`,
    },
    {
      ...common,
      what: 'Sweep, time a record',
      // With few records it is the fixed part of a sweep that is measured.
      against: `itself at ${points.at(-2)?.records} records`,
      value: growthOf(({ sweepSeconds, records }) => sweepSeconds / records, points.at(-2)),
      detail: `s: ${series(({ sweepSeconds }) => figure(sweepSeconds))}`,
    },
    {
      ...common,
      what: 'Sweep, peak resident memory',
      value: growthOf(({ sweeperBytes }) => sweeperBytes),
      detail: `MiB: ${series(({ sweeperBytes }) => figure(sweeperBytes / MIB))}`,
    },
  ];
}
