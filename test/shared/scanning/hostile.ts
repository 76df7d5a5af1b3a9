import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';

/** One connection as a server sees it. */
interface Visit {
  readonly socket: Socket;
  /** Settles when the client has hung up, or the connection is gone. */
  readonly gone: Promise<unknown>;
}

export interface HostileServer extends AsyncDisposable {
  readonly host: string;
  readonly port: number;
  /** The next connection. */
  visit(): Promise<Visit>;
}

/** A server in clamd's place, which does what it likes with each connection. */
export async function hostileServer(behave: (socket: Socket) => void): Promise<HostileServer> {
  const sockets = new Set<Socket>();
  const visits: Visit[] = [];
  // Like clamd: the client is done with its side after the command, and still wants a reply.
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    const gone = Promise.race([once(socket, 'end'), once(socket, 'close')]);
    visits.push({ socket, gone });
    server.emit('visit');
    behave(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new Error('no port');
  return {
    host: '127.0.0.1',
    port: address.port,
    async visit() {
      while (visits.length === 0) await once(server, 'visit');
      const [visit] = visits.splice(0, 1);
      if (visit === undefined) throw new Error('unreachable');
      return visit;
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

/** Takes everything and says nothing. */
export function silent(socket: Socket): void {
  socket.resume();
}

/** Replies to the command itself, before any of the file can have arrived, and closes. */
export function replyEarly(reply: string): (socket: Socket) => void {
  return (socket) => {
    socket.once('data', () => socket.end(reply));
    socket.resume();
  };
}

/** Takes one INSTREAM to its terminator, then replies and closes once the client has said all. */
export function replyAfterStream(reply: string | ((bytes: number) => string)): (socket: Socket) => void {
  return (socket) => {
    const frames = frameReader((bytes) => {
      socket.write(typeof reply === 'string' ? reply : reply(bytes));
    });
    socket.on('data', frames);
    socket.once('end', () => socket.end());
  };
}

const COMMAND_BYTES = 'zINSTREAM\0'.length;

/** Follows the framing in constant memory: the command, then chunks of a 4-byte length and as many bytes. */
function frameReader(onTerminator: (bytes: number) => void): (data: Buffer) => void {
  let skip = COMMAND_BYTES;
  let bytes = 0;
  let header = Buffer.alloc(0);
  return (data) => {
    let rest = data;
    while (rest.length > 0) {
      const skipped = Math.min(skip, rest.length);
      skip -= skipped;
      rest = rest.subarray(skipped);
      const taken = rest.subarray(0, 4 - header.length);
      header = Buffer.concat([header, taken]);
      rest = rest.subarray(taken.length);
      if (header.length < 4) return;
      skip = header.readUInt32BE();
      header = Buffer.alloc(0);
      bytes += skip;
      if (skip === 0) onTerminator(bytes);
    }
  };
}
