import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { startPipe } from '../baseline/start-pipe.ts';
import type { Bench, Row } from '../bench.ts';
import { empty } from '../clean.ts';
import { type Finding, figure } from '../finding.ts';
import { send } from '../http.ts';
import { MIB, type Scale } from '../scale.ts';
import { ONCE, secondsOf, sideBySide } from '../side-by-side.ts';
import { boundsOf, type Stage, startStage } from '../stage/stage.ts';
import { startAnother } from '../stage/start-another.ts';
import { median, pairedRatio } from '../stats.ts';
import { chunksLimit, pipeInChunks, uploadInChunks } from '../tus-upload.ts';

export const contention: Row = { name: 'contention', title: 'One write a second to a name', measure };

async function measure(bench: Bench): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  for (const chunks of bench.scale.contention.tus) findings.push(...(await measureTus(bench, chunks)));
  findings.push(...(await measureGrants(bench)));
  findings.push(await measureVerdicts(bench));
  return findings;
}

type Chunks = Scale['contention']['tus'][number];

async function measureTus(
  { scale, still }: Bench,
  { bytes, chunkBytes, atLeast }: Chunks,
): Promise<readonly Finding[]> {
  const stage = await still();
  const url = stage.url('upload');
  await using second = await startAnother(stage, 'upload');
  await using pipe = await startPipe(stage.storageUrl, boundsOf(stage));
  const unscanned = stage.bucket('unscanned');
  const rate = async (work: () => Promise<unknown>): Promise<number> => {
    const seconds = await secondsOf(work);
    await empty(unscanned);
    return bytes / 1e6 / seconds;
  };
  const chunks = { bytes, chunkBytes };
  const contenders = {
    one: () => rate(() => uploadInChunks([url], stage.authorization, chunks)),
    two: () => rate(() => uploadInChunks([url, second.url], stage.authorization, chunks)),
    parts: () => rate(() => pipeInChunks(pipe.url, chunks)),
    post: () =>
      rate(() => send(`${url}/files`, { method: 'POST', headers: stage.authorization, body: bytes })),
  };
  await sideBySide(contenders, ONCE);
  const rates = await sideBySide(contenders, scale.contention.rounds);
  const what = `${bytes / MIB} MiB by tus in chunks of ${chunkBytes / MIB} MiB`;
  const beside = (of: readonly number[], against: readonly number[]) =>
    `${figure(median(of))} MB/s beside ${figure(median(against))} MB/s`;
  return [
    {
      what,
      against: 'POST /files',
      target: { atLeast },
      value: pairedRatio(rates.one, rates.post),
      unit: '×',
      detail: beside(rates.one, rates.post),
      limit: chunksLimit(chunkBytes, { ...rates, tus: rates.one }),
    },
    {
      what: `${what}, by two instances in turn`,
      against: 'by one',
      target: { atLeast: 0.5 },
      value: pairedRatio(rates.two, rates.one),
      unit: '×',
      detail: beside(rates.two, rates.one),
    },
  ];
}

async function measureGrants({ scale, still }: Bench): Promise<readonly Finding[]> {
  const { grants } = scale.contention;
  const stage = await still();
  await using second = await startAnother(stage, 'files');
  const url = stage.url('files');
  const by = async (urls: readonly string[]): Promise<number> => {
    const uploaded = await send(`${stage.url('upload')}/files`, {
      method: 'POST',
      headers: stage.authorization,
      body: randomBytes(1_000),
    });
    const { id } = JSON.parse(uploaded.body.toString()) as { id: string };
    const seconds = await secondsOf(() =>
      Promise.all(
        Array.from({ length: grants }, (_, at) =>
          send(`${urls[at % urls.length]}/files/${id}/viewers/app:viewer-${at}`, {
            method: 'PUT',
            headers: stage.authorization,
          }),
        ),
      ),
    );
    const handle = await send(`${url}/files/${id}/status`, { headers: stage.authorization });
    const { viewerCount } = JSON.parse(handle.body.toString()) as { viewerCount?: number };
    if (viewerCount !== grants) throw new Error(`${viewerCount} of ${grants} grants are there`);
    return seconds;
  };
  await by([url, second.url]);
  const finding = async (instances: string, urls: readonly string[], atMost: number): Promise<Finding> => {
    const value = await by(urls);
    return {
      what: `${grants} grants at once on a file that was just uploaded, by ${instances}`,
      against: 'a second a write',
      target: { atMost },
      value,
      unit: ' s',
      detail: `all there after ${figure(value)} s`,
    };
  };
  return [await finding('one instance', [url], 5), await finding('two', [url, second.url], 10)];
}

/** The same product, where Cloud Storage takes any number of writes, is what the limit is compared with. */
async function measureVerdicts({ scale, live, folder }: Bench): Promise<Finding> {
  const stage = await live();
  const unlimited = await startStage({
    folder: join(folder, 'unlimited'),
    events: true,
    environment: { MUTATION_LIMIT: 'off' },
  });
  try {
    const verdict = (on: Stage) => () =>
      secondsOf(() =>
        send(`${on.url('upload')}/files`, {
          method: 'POST',
          headers: { ...on.authorization, prefer: 'wait=30' },
          body: randomBytes(1_000),
        }),
      );
    const contenders = { limited: verdict(stage), unlimited: verdict(unlimited) };
    for (let warm = 0; warm < scale.contention.verdicts.times; warm += 1) await sideBySide(contenders, ONCE);
    const taken = await sideBySide(contenders, scale.contention.verdicts);
    return {
      what: 'A file of 1 KB with Prefer: wait, until its verdict',
      against: 'the same without the limit',
      target: { atMost: 1.1 },
      value: pairedRatio(taken.limited, taken.unlimited),
      unit: '×',
      detail: `${figure(median(taken.limited) * 1000)} ms beside ${figure(median(taken.unlimited) * 1000)} ms`,
    };
  } finally {
    await unlimited.stop();
  }
}
