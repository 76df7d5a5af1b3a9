import type { Bench, Row } from '../bench.ts';
import { empty } from '../clean.ts';
import { cpuText, unitCosts } from '../costs.ts';
import { type Finding, figure } from '../finding.ts';
import { send } from '../http.ts';
import { type CpuTime, cpuOf } from '../process.ts';
import { MIB } from '../scale.ts';
import { ONCE, secondsOf, sideBySide } from '../sideBySide.ts';
import type { Stage } from '../stage/stage.ts';
import { median, pairedRatio } from '../stats.ts';

export const tus: Row = { name: 'tus', title: 'Upload by tus', measure };

async function measure({ scale, still }: Bench): Promise<readonly Finding[]> {
  const { bytes, chunkBytes, rounds } = scale.tus;
  const stage = await still();
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
        spent = await cpuOf(pids, () => uploadInChunks(stage, bytes, chunkBytes));
      }),
    post: () =>
      rate(() =>
        send(`${stage.url('upload')}/files`, { method: 'POST', headers: stage.authorization, body: bytes }),
      ),
  };
  await sideBySide(contenders, ONCE);
  const rates = await sideBySide(contenders, rounds);
  const { runningSha256 } = await unitCosts();
  const chunkSeconds = (rate: number): number => chunkBytes / 1e6 / rate;
  const hashRate = 2 ** 30 / 1e6 / runningSha256;
  return [
    {
      what: `${bytes / MIB} MiB by tus in chunks of ${chunkBytes / MIB} MiB`,
      against: 'POST /files',
      target: { atLeast: 0.8 },
      value: pairedRatio(rates.tus, rates.post),
      unit: '×',
      detail: `${figure(median(rates.tus))} MB/s beside ${figure(median(rates.post))} MB/s`,
      limit:
        `A chunk takes ${figure(chunkSeconds(median(rates.tus)) * 1000)} ms, and POST /files ` +
        `${figure(chunkSeconds(median(rates.post)) * 1000)} ms for as many bytes. SHA-256 whose state goes on in the ` +
        `record, so that any instance takes the next chunk, is WebAssembly: ` +
        `${figure(((runningSha256 * chunkBytes) / 2 ** 30) * 1000)} ms a chunk of that alone, at ` +
        `${figure(hashRate)} MB/s. If all else took no time, that would be ${figure(hashRate / median(rates.post))} of ` +
        `POST /files, whose SHA-256 is Node's own and cannot be saved. CPU of the last upload: ${cpuText(spent)}.`,
    },
  ];
}

async function uploadInChunks(stage: Stage, bytes: number, chunkBytes: number): Promise<void> {
  const base = { ...stage.authorization, 'tus-resumable': '1.0.0' };
  const url = stage.url('upload');
  const created = await send(`${url}/uploads`, {
    method: 'POST',
    headers: { ...base, 'upload-length': String(bytes) },
  });
  for (let offset = 0; offset < bytes; offset += chunkBytes) {
    const headers = {
      ...base,
      'upload-offset': String(offset),
      'content-type': 'application/offset+octet-stream',
    };
    const body = Math.min(chunkBytes, bytes - offset);
    await send(`${url}${created.headers.location}`, { method: 'PATCH', headers, body });
  }
}
