import { closeSync, openSync, readSync } from 'node:fs';
import { open } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import type { ConnectionRate } from '../../../common/latency/connection-rate.ts';
import type { MediaSlice } from '../answer.ts';
import type { ContentPlace } from '../state/content-folder.ts';

/** Size up to which a blocking read of cached pages is quicker than three trips through the thread pool. */
const SMALL = 256 * 1024;
const BUFFER = 1024 * 1024;

/** The effect of a fault or a limit on a media answer. */
interface Sending {
  /** Cut the connection after so many bytes. */
  readonly truncate?: number | undefined;
  /** Flip a bit of the first byte. */
  readonly corrupt: boolean;
  /** Rate of the connection; as fast as it goes by default. */
  readonly rate?: ConnectionRate | undefined;
}

/**
 * Sends a slice after the headers, from where its bytes are; two buffers take turns, one read while the other is sent.
 * @returns bytes handed to the connection; fewer than asked for when the client went away
 */
export async function sendMedia(
  response: ServerResponse,
  slice: MediaSlice,
  places: readonly ContentPlace[],
  { truncate, corrupt, rate }: Sending,
): Promise<number> {
  const length = Math.min(slice.length, truncate ?? slice.length);
  const flip = (bytes: Buffer, sent: number): void => {
    if (corrupt && sent === 0 && bytes.length > 0) bytes[0] = (bytes[0] ?? 0) ^ 1;
  };
  const [only, another] = places;
  const sent =
    length <= SMALL && !another
      ? await sendSmall(response, slice, only, length, flip)
      : await sendLarge(response, places, length, flip, rate);
  if (length < slice.length) response.destroy();
  else response.end();
  return sent;
}

async function sendSmall(
  response: ServerResponse,
  slice: MediaSlice,
  place: ContentPlace | undefined,
  length: number,
  flip: (bytes: Buffer, sent: number) => void,
): Promise<number> {
  if (length === 0 || !place) {
    // Without it a cut after 0 bytes would cut the headers off too.
    response.flushHeaders();
    return 0;
  }
  const bytes = Buffer.allocUnsafe(length);
  const file = openSync(place.path, 'r');
  try {
    readSync(file, bytes, 0, length, place.offset);
  } finally {
    closeSync(file);
  }
  flip(bytes, 0);
  // Whole small answers leave with their headers; a cut one has to be on its way before the cut.
  if (length === slice.length) response.end(bytes);
  else await write(response, bytes);
  return length;
}

async function sendLarge(
  response: ServerResponse,
  places: readonly ContentPlace[],
  length: number,
  flip: (bytes: Buffer, sent: number) => void,
  rate: ConnectionRate | undefined,
): Promise<number> {
  let buffer = Buffer.allocUnsafeSlow(BUFFER);
  let spare = Buffer.allocUnsafeSlow(BUFFER);
  let sent = 0;
  let writing: Promise<boolean> = Promise.resolve(true);
  if (length === 0) response.flushHeaders();
  for (const place of places) {
    const end = Math.min(sent + place.length, length);
    if (sent === end) break;
    const file = await open(place.path, 'r');
    try {
      for (let at = place.offset; sent < end; ) {
        const { bytesRead } = await file.read(buffer, 0, Math.min(BUFFER, end - sent), at);
        if (bytesRead === 0) throw new Error(`${place.path} is shorter than its object`);
        flip(buffer.subarray(0, bytesRead), sent);
        if (!(await writing)) return sent;
        await rate?.pass(response.req.socket, bytesRead);
        writing = write(response, buffer.subarray(0, bytesRead));
        [buffer, spare] = [spare, buffer];
        sent += bytesRead;
        at += bytesRead;
      }
    } finally {
      await file.close();
    }
  }
  await writing;
  return sent;
}

/** Resolves when the buffer can be used again: true once it was sent, false when the connection is gone. */
function write(response: ServerResponse, bytes: Buffer): Promise<boolean> {
  return new Promise((resolve) => {
    const gone = (): void => resolve(false);
    response.once('close', gone);
    response.write(bytes, (error) => {
      response.off('close', gone);
      resolve(!error);
    });
  });
}
