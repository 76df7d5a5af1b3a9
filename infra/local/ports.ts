import { once } from 'node:events';
import { type AddressInfo, createServer, type Server } from 'node:net';

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
 * processes that take them bind for themselves. Throws {@link BusyPortError}.
 */
export async function reservePorts(host: string, requests: readonly PortRequest[]): Promise<number[]> {
  const held: Server[] = [];
  try {
    for (const request of requests) held.push(await hold(host, request));
    return held.map((server) => (server.address() as AddressInfo).port);
  } finally {
    await Promise.all(held.map((server) => new Promise((done) => server.close(done))));
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
