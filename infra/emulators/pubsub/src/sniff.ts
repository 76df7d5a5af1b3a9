import type { Duplex } from 'node:stream';

/** How an HTTP/2 connection with prior knowledge begins (RFC 9113, 3.4). */
const preface = Buffer.from('PRI * HTTP/2.0\r\n');

/**
 * Tells HTTP/2 from HTTP/1.1 by a connection's first bytes, and hands it on with those bytes put back.
 * Reads no more than it takes to decide: an HTTP/1.1 method differs from `PRI` within three bytes.
 */
export function sniff<T extends Duplex>(
  socket: T,
  http2: (socket: T) => void,
  http1: (socket: T) => void,
): void {
  let seen = Buffer.alloc(0);
  const look = () => {
    for (;;) {
      // One piece of what is buffered, from Node 26 on.
      const chunk: Buffer | null = socket.read();
      if (chunk === null) return;
      seen = Buffer.concat([seen, chunk]);
      const length = Math.min(seen.length, preface.length);
      const alike = seen.subarray(0, length).equals(preface.subarray(0, length));
      if (alike && length < preface.length) continue;
      socket.off('readable', look);
      socket.unshift(seen);
      return (alike ? http2 : http1)(socket);
    }
  };
  socket.on('readable', look);
}
