import { startPipe } from '../baseline/start-pipe.ts';
import type { Bench, Row } from '../bench.ts';
import { empty } from '../clean.ts';
import { cpuText, unitCosts } from '../costs.ts';
import { type Finding, figure } from '../finding.ts';
import { send } from '../http.ts';
import { type CpuTime, cpuOf } from '../process.ts';
import { ONCE, secondsOf, sideBySide } from '../side-by-side.ts';
import { boundsOf } from '../stage/stage.ts';
import { median, pairedRatio } from '../stats.ts';

export const upload: Row = { name: 'upload', title: 'Upload by POST /files', measure };

async function measure({ scale, still }: Bench): Promise<readonly Finding[]> {
  const { bytes, rounds } = scale.upload;
  const stage = await still();
  await using pipe = await startPipe(stage.storageUrl);
  await using bounded = await startPipe(stage.storageUrl, boundsOf(stage));
  const unscanned = stage.bucket('unscanned');
  let spent: Readonly<Record<string, CpuTime>> = {};
  const rate = async (work: () => Promise<unknown>): Promise<number> => {
    const seconds = await secondsOf(work);
    await empty(unscanned);
    return bytes / 1e6 / seconds;
  };
  const ours = () =>
    rate(async () => {
      const pids = { client: process.pid, upload: stage.pid('upload'), emulator: stage.pid('storage') };
      const headers = { ...stage.authorization, 'content-type': 'application/octet-stream' };
      spent = await cpuOf(pids, () =>
        send(`${stage.url('upload')}/files`, { method: 'POST', headers, body: bytes }),
      );
    });
  const through = (url: string, headers: Record<string, string>) => () =>
    rate(() => send(url, { method: 'PUT', headers, body: bytes }));
  const contenders = {
    ours,
    pipe: through(pipe.url, {}),
    digests: through(bounded.url, { 'x-work': 'digests' }),
  };
  await sideBySide(contenders, ONCE); // Compilers and caches are warm from here on.
  const rates = await sideBySide(contenders, rounds);
  const costs = unitCosts();
  const ofDigests = pairedRatio(rates.ours, rates.digests);
  return [
    {
      what: `Upload of ${bytes / 2 ** 20} MiB by POST /files`,
      against: 'a bare Node pipe to one resumable PUT',
      target: { atLeast: 0.9 },
      value: pairedRatio(rates.ours, rates.pipe),
      unit: '×',
      detail: `${figure(median(rates.ours))} MB/s beside ${figure(median(rates.pipe))} MB/s`,
      limit:
        `A pipe that digests the bytes and keeps them for a repeat, with memory bounded as ours is, and does nothing ` +
        `else, gets ${figure(median(rates.digests))} MB/s here; we are at ${figure(ofDigests)} of that. A GiB costs ` +
        `${figure(costs.sha256)} s of SHA-256, ${figure(costs.crc32c)} s of CRC32C and ${figure(costs.copy)} s of ` +
        `copying. CPU of the last upload: ${cpuText(spent)}.`,
    },
  ];
}
