import { subscribe } from 'node:diagnostics_channel';
import { Socket } from 'node:net';
import type { Cutoff } from './cutoff.ts';
import { ScanFault } from './verdict.ts';

/** The longest `setTimeout`: clamdjs' own deadline is out of the way, since it can be neither 0 nor `Infinity`. */
export const CLAMDJS_TIMEOUT_MS = 2 ** 31 - 1;

/** clamd's longest reply is a signature name and a few words. */
const MAX_REPLY_BYTES = 4096;

export interface Ending {
  /** Every byte that clamd sent: at least one. */
  readonly reply: Buffer;
  /** Whether everything had been sent before the reply began, and the connection then ended without an error. */
  readonly orderly: boolean;
}

/**
 * Has clamdjs do one command on one connection, and sees to it that this ends: with a reply, or with the socket
 * destroyed, at which clamd drops its temporary file.
 *
 * @param begin the call of clamdjs; it must open its connection before it returns
 * @param options.isSent whether all of the command has been handed to clamdjs
 * @param options.onSocket is told of the connection before it is there
 * @throws {ScanFault} the cutoff's, `unreachable`, or `connectionLost` if there was no reply at all
 */
export async function clamdExchange(
  begin: () => Promise<unknown>,
  options: {
    readonly connectTimeoutMs: number;
    readonly cutoff: Cutoff;
    readonly isSent?: () => boolean;
    readonly onSocket?: (socket: Socket) => void;
  },
): Promise<Ending> {
  const { connectTimeoutMs, cutoff, isSent = () => true, onSocket } = options;
  cutoff.signal.throwIfAborted();
  const { socket, settled } = capture(begin);
  onSocket?.(socket);
  const received: Buffer[] = [];
  let [connected, early, failure] = [false, false, undefined as Error | undefined];
  const unreachable = (cause?: Error) => new ScanFault('unreachable', 'clamd cannot be reached', { cause });
  const connecting = cutoff.cutAfter(connectTimeoutMs, unreachable);

  socket.once('connect', () => {
    connected = true;
    clearTimeout(connecting);
  });
  socket.once('error', (error) => {
    failure = error;
  });
  socket.on('data', (chunk: Buffer) => {
    if (received.length === 0) early = !isSent() || socket.writableLength > 0;
    received.push(chunk);
    if (socket.bytesRead > MAX_REPLY_BYTES)
      cutoff.cut(new ScanFault('protocol', 'clamd does not stop talking'));
  });

  try {
    const finished = await firstOf(settled, socket, cutoff.signal);
    if (!connected) throw unreachable(failure);
    if (received.length === 0) {
      throw new ScanFault('connectionLost', 'clamd closed the connection without a reply', {
        cause: failure,
      });
    }
    return { reply: Buffer.concat(received), orderly: finished && !early };
  } finally {
    discard(socket);
  }
}

/** Where the next sockets go, while they are captured. */
let captured: Socket[] | undefined;

// Once, and not for each call: who is the first or the last to listen has Node change the prototype of the channel.
subscribe('net.client.socket', (message) => {
  if (captured && hasSocket(message)) captured.push(message.socket);
});

/**
 * clamdjs keeps its socket to itself. `net.createConnection` announces each new socket synchronously, so the one
 * announced during the call is the one of this call.
 */
function capture(begin: () => Promise<unknown>): { socket: Socket; settled: Promise<boolean> } {
  const sockets: Socket[] = [];
  captured = sockets;
  let settled: Promise<boolean>;
  try {
    settled = begin().then(
      () => true,
      () => false,
    );
  } finally {
    captured = undefined;
  }
  const [socket] = sockets;
  if (socket === undefined) throw new ScanFault('protocol', 'the connection to clamd cannot be supervised');
  return { socket, settled };
}

function hasSocket(message: unknown): message is { socket: Socket } {
  return (
    typeof message === 'object' && message !== null && 'socket' in message && message.socket instanceof Socket
  );
}

/** clamdjs settles on 'end' and on 'error', but not on a 'close' without either. */
function firstOf(settled: Promise<boolean>, socket: Socket, cut: AbortSignal): Promise<boolean> {
  return new Promise((resolve, reject) => {
    settled.then(resolve, reject);
    socket.once('close', () => resolve(false));
    cut.addEventListener('abort', () => reject(cut.reason), { once: true });
  });
}

function discard(socket: Socket): void {
  socket.destroy();
  // Its timer, which would hold the process up for 24 days, is cleared by clamdjs only on 'data' and on 'end'.
  if (!socket.readableEnded) socket.emit('end');
}
