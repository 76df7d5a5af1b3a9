import { figure } from './finding.ts';
import { send } from './http.ts';
import { median, pairedRatio } from './stats.ts';

const TUS = { 'tus-resumable': '1.0.0' };

/** Uploads bytes by tus, one chunk after the other. @param urls of instances of the upload function, which take turns */
export async function uploadInChunks(
  urls: readonly string[],
  authorization: Readonly<Record<string, string>>,
  { bytes, chunkBytes }: { readonly bytes: number; readonly chunkBytes: number },
): Promise<void> {
  const base = { ...authorization, ...TUS };
  const created = await send(`${urls[0]}/uploads`, {
    method: 'POST',
    headers: { ...base, 'upload-length': String(bytes) },
  });
  for (let offset = 0, turn = 0; offset < bytes; offset += chunkBytes, turn += 1) {
    const headers = {
      ...base,
      'upload-offset': String(offset),
      'content-type': 'application/offset+octet-stream',
    };
    const url = urls[turn % urls.length];
    const body = Math.min(chunkBytes, bytes - offset);
    await send(`${url}${created.headers.location}`, { method: 'PATCH', headers, body });
  }
}

/** Sends bytes to the bare pipe as a client of tus does, one chunk after the other, with the work that nobody can leave out. */
export async function pipeInChunks(
  pipeUrl: string,
  { bytes, chunkBytes }: { readonly bytes: number; readonly chunkBytes: number },
): Promise<void> {
  const headers = { 'x-work': 'digests' };
  for (let left = bytes; left > 0; left -= chunkBytes) {
    await send(pipeUrl, { method: 'PATCH', headers, body: Math.min(chunkBytes, left) });
  }
}

/** Where the time of an upload in chunks goes, by rates of it, of the bare pipe and of `POST /files` in MB/s. */
export function chunksLimit(
  chunkBytes: number,
  { tus, parts, post }: Readonly<Record<'tus' | 'parts' | 'post', readonly number[]>>,
): string {
  const chunkMs = (rates: readonly number[]): string => figure(chunkBytes / 1e3 / median(rates));
  return (
    `A chunk takes ${chunkMs(tus)} ms, and POST /files ${chunkMs(post)} ms for as many ` +
    'bytes, because the next chunk is sent only when this one is acknowledged: nothing of one overlaps with the ' +
    'next, and the insert of its part is waited for. A pipe that takes chunk after chunk, digests it, ' +
    'keeps it for a repeat and makes an object of it, and does nothing else, gets ' +
    `${figure(median(parts))} MB/s, ${figure(pairedRatio(parts, post))} of POST /files; we are at ` +
    `${figure(pairedRatio(tus, parts))} of that.`
  );
}
