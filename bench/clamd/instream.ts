import { once } from 'node:events';
import { connect } from 'node:net';

const FRAME_BYTES = 64 * 1024;
export const CLEAN = 'stream: OK\0';

/**
 * Scans bytes over a raw socket, with nothing between: what clamd takes alone.
 * @throws {Error} where the answer is not that they are clean
 */
export async function instream(port: number, bytes: Buffer): Promise<void> {
  const reply = await replyTo(port, bytes);
  if (reply !== CLEAN) throw new Error(`clamd says ${JSON.stringify(reply)}`);
}

/** The reply of clamd to bytes that are sent over a raw socket. */
export async function replyTo(port: number, bytes: Buffer): Promise<string> {
  const socket = connect({ host: '127.0.0.1', port, noDelay: true });
  socket.write('zINSTREAM\0');
  for (let at = 0; at < bytes.length; at += FRAME_BYTES) {
    const frame = bytes.subarray(at, at + FRAME_BYTES);
    const length = Buffer.alloc(4);
    length.writeUInt32BE(frame.length);
    socket.write(length);
    if (!socket.write(frame)) await once(socket, 'drain');
  }
  socket.write(Buffer.alloc(4));
  return Buffer.concat(await socket.toArray()).toString();
}
