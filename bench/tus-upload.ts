import { send } from './http.ts';

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
