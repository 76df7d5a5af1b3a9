import { createHash } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import * as v from 'valibot';
import { Fileshare } from '../../../client/src/index.ts';
import type { Sample } from '../samples/samples.ts';

const POLL_MS = 20;
const UNDER_WAY = new Set(['uploading', 'pending']);

/** Members of a handle that the demonstration reads. */
const HANDLE = v.looseObject({
  id: v.string(),
  state: v.string(),
  sha256: v.optional(v.string()),
  signature: v.optional(v.string()),
  reason: v.optional(v.string()),
});
export type Handle = v.InferOutput<typeof HANDLE>;

/** An upload that was accepted, as the sender saw it. */
export interface Sent {
  /** Absolute. */
  readonly url: string;
  readonly size: number;
  readonly sha256: string;
}

/**
 * Uploads a sample as a stream of unknown length: in one request where that is small enough for Cloud Run, else in
 * several. Throws where it is not accepted.
 */
export async function upload(url: string, token: string, sample: Sample): Promise<Sent> {
  const hash = createHash('sha256');
  let size = 0;
  async function* hashed(): AsyncGenerator<Uint8Array<ArrayBuffer>> {
    for await (const chunk of sample.open()) {
      hash.update(chunk);
      size += chunk.length;
      yield new Uint8Array(chunk);
    }
  }
  const { name, contentType: type } = sample;
  const { id } = await new Fileshare({ url, token }).upload(ReadableStream.from(hashed()), { name, type });
  return { url: `${url}/files/${id}`, size, sha256: hash.digest('hex') };
}

/** Polls until there is a verdict, or the service has given up. */
export async function verdictOf(fileUrl: string, token: string, signal: AbortSignal): Promise<Handle> {
  const headers = { authorization: `Bearer ${token}`, prefer: 'wait=10' };
  while (true) {
    const response = await fetch(`${fileUrl}/status`, { headers, signal });
    if (!response.ok) throw new Error(`status: ${response.status} ${await response.text()}`);
    const handle = v.parse(HANDLE, await response.json());
    if (!UNDER_WAY.has(handle.state)) return handle;
    await delay(POLL_MS, undefined, { signal });
  }
}

/** SHA-256 of what a download gives, or undefined where it is refused. */
export async function downloadedDigest(fileUrl: string, token: string): Promise<string | undefined> {
  const response = await fetch(fileUrl, { headers: { authorization: `Bearer ${token}` } });
  if (response.status !== 200 || !response.body) {
    await response.body?.cancel();
    return undefined;
  }
  const hash = createHash('sha256');
  for await (const chunk of response.body) hash.update(chunk);
  return hash.digest('hex');
}
