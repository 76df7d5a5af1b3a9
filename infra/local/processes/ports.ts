import { randomInt } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server } from 'node:net';

/**
 * Range below the ports that Linux and macOS give to a program that asks for any, such as a client's end of a
 * connection.
 */
const CHOSEN_FROM = { lowest: 10_000, highest: 32_767 } as const;
const ATTEMPTS = 1_000;

/** A port somebody else listens on. */
class BusyPortError extends Error {
  override readonly name = 'BusyPortError';
  constructor(port: number, variable: string) {
    super(`Port ${port} is in use. Stop what listens there, or choose another one: ${variable}=${port + 1}`);
  }
}

/** A port to be: `variable` is what chooses it; 0 takes any free one. */
export interface PortRequest {
  readonly port: number;
  readonly variable: string;
}

/**
 * The ports asked for, all different and all free a moment ago. They are held together and then let go, since the
 * processes that take them bind for themselves. A port chosen here is chosen by no other process that calls this, for as
 * long as this one runs: several platforms may start at once. Throws {@link BusyPortError}.
 */
export async function reservePorts(host: string, requests: readonly PortRequest[]): Promise<number[]> {
  const held: Server[] = [];
  try {
    for (const request of requests) {
      held.push(request.port === 0 ? await holdAny(host) : await hold(host, request));
    }
    return held.map((server) => (server.address() as AddressInfo).port);
  } finally {
    await Promise.all(held.map((server) => new Promise((done) => server.close(done))));
  }
}

async function holdAny(host: string): Promise<Server> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const port = randomInt(CHOSEN_FROM.lowest, CHOSEN_FROM.highest + 1);
    if (!(await claim(host, port))) continue;
    try {
      return await hold(host, { port, variable: '' });
    } catch (error) {
      if (!(error instanceof BusyPortError)) throw error;
    }
  }
  throw new Error(`no free port between ${CHOSEN_FROM.lowest} and ${CHOSEN_FROM.highest}`);
}

/** Takes the UDP port of the same number, which nothing else here uses, until this process ends. */
async function claim(host: string, port: number): Promise<boolean> {
  const socket = createSocket('udp4').unref();
  try {
    socket.bind({ address: host, port, exclusive: true });
    await once(socket, 'listening');
    return true;
  } catch {
    socket.close();
    return false;
  }
}

async function hold(host: string, { port, variable }: PortRequest): Promise<Server> {
  const server = createServer();
  try {
    server.listen(port, host);
    await once(server, 'listening');
    return server;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') throw new BusyPortError(port, variable);
    throw error;
  }
}
