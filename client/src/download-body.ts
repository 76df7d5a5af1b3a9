import { FileshareConnectionError, FileshareIntegrityError } from './errors.ts';
import { Idle } from './idle.ts';

/** The bytes of an answer from `start` on. An answer with everything, because it takes no ranges, begins at 0. */
export async function* bodyOf(response: Response, start: number, idleMs: number): AsyncGenerator<Uint8Array> {
  let skip = start - startOf(response);
  if (skip < 0) throw new FileshareIntegrityError('The service sent another range than it was asked for.');
  const reader = response.body?.getReader();
  if (!reader) return;
  try {
    for (;;) {
      const { done, value } = await inTime(reader, idleMs);
      if (done) return;
      const piece = value.subarray(Math.min(skip, value.length));
      skip -= value.length - piece.length;
      if (piece.length > 0) yield piece;
    }
  } finally {
    // Not waited for: of a connection that stalls it may not settle.
    reader.cancel().catch(() => undefined);
  }
}

async function inTime(reader: ReadableStreamDefaultReader<Uint8Array>, idleMs: number) {
  const idle = new Idle(idleMs, undefined);
  const late = new Promise<never>((_, reject) => {
    idle.signal.addEventListener('abort', () => reject(idle.signal.reason), { once: true });
  });
  try {
    return await Promise.race([reader.read(), late]);
  } catch (cause) {
    throw new FileshareConnectionError('the answer broke off', { cause });
  } finally {
    idle.end();
  }
}

function startOf(response: Response): number {
  const [, start] = /^bytes (\d+)-/.exec(response.headers.get('content-range') ?? '') ?? [];
  return response.status === 206 && start !== undefined ? Number(start) : 0;
}
