import type { IncomingMessage } from 'node:http';
import type { ConnectionRate } from '../../../common/latency/connection-rate.ts';

/** The connection ended before the request did: there is nobody to answer. */
export class ConnectionCut extends Error {
  override readonly name = 'ConnectionCut';
}

/**
 * The bytes of a request. An early end of the iteration leaves the connection alone, so that a refusal can
 * still be answered.
 * @param onBytes is told the length of each chunk
 * @param limit ends the request after so many bytes, for a fault: with `refusal`, or by cutting the connection
 * @param rate of the connection; as fast as it goes by default
 * @throws ConnectionCut, or `refusal`
 */
export async function* requestBody(
  request: IncomingMessage,
  onBytes: (bytes: number) => void,
  limit: { readonly bytes: number; readonly refusal?: Error | undefined } = {
    bytes: Number.POSITIVE_INFINITY,
  },
  rate?: ConnectionRate,
): AsyncGenerator<Buffer, void> {
  let rest = limit.bytes;
  try {
    for await (const chunk of request.iterator({ destroyOnReturn: false })) {
      const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, Math.min(chunk.byteLength, rest));
      onBytes(bytes.length);
      rest -= bytes.length;
      await rate?.pass(request.socket, bytes.length);
      if (bytes.length > 0) yield bytes;
      if (rest === 0) break;
    }
  } catch (cause) {
    throw new ConnectionCut('the request was cut', { cause });
  }
  if (rest > 0) return;
  if (limit.refusal) throw limit.refusal;
  request.socket.resetAndDestroy();
  throw new ConnectionCut(`the request was cut after ${limit.bytes} bytes`);
}
