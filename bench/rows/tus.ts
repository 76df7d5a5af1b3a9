import { startPipe } from '../baseline/start-pipe.ts';
import type { Bench, Row } from '../bench.ts';
import { empty } from '../clean.ts';
import { cpuText } from '../costs.ts';
import { type Finding, figure } from '../finding.ts';
import { send } from '../http.ts';
import { type CpuTime, cpuOf } from '../process.ts';
import { MIB } from '../scale.ts';
import { ONCE, secondsOf, sideBySide } from '../side-by-side.ts';
import { boundsOf } from '../stage/stage.ts';
import { median, pairedRatio } from '../stats.ts';
import { chunksLimit, pipeInChunks, uploadInChunks } from '../tus-upload.ts';

export const tus: Row = { name: 'tus', title: 'Upload by tus', measure };

async function measure({ scale, still }: Bench): Promise<readonly Finding[]> {
  const { bytes, chunkBytes, rounds } = scale.tus;
  const stage = await still();
  await using pipe = await startPipe(stage.storageUrl, boundsOf(stage));
  const unscanned = stage.bucket('unscanned');
  let spent: Readonly<Record<string, CpuTime>> = {};
  const rate = async (work: () => Promise<unknown>): Promise<number> => {
    const seconds = await secondsOf(work);
    await empty(unscanned);
    return bytes / 1e6 / seconds;
  };
  const contenders = {
    tus: () =>
      rate(async () => {
        const pids = { client: process.pid, upload: stage.pid('upload'), emulator: stage.pid('storage') };
        spent = await cpuOf(pids, () =>
          uploadInChunks([stage.url('upload')], stage.authorization, { bytes, chunkBytes }),
        );
      }),
    parts: () => rate(() => pipeInChunks(pipe.url, { bytes, chunkBytes })),
    post: () =>
      rate(() =>
        send(`${stage.url('upload')}/files`, { method: 'POST', headers: stage.authorization, body: bytes }),
      ),
  };
  await sideBySide(contenders, ONCE);
  const rates = await sideBySide(contenders, rounds);
  return [
    {
      what: `${bytes / MIB} MiB by tus in chunks of ${chunkBytes / MIB} MiB`,
      against: 'POST /files',
      target: { atLeast: 0.8 },
      value: pairedRatio(rates.tus, rates.post),
      unit: '×',
      detail: `${figure(median(rates.tus))} MB/s beside ${figure(median(rates.post))} MB/s`,
      limit: `${chunksLimit(chunkBytes, rates)} CPU of the last upload: ${cpuText(spent)}.`,
    },
  ];
}
