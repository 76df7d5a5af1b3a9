import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { send } from '../http.ts';

const HOST = '127.0.0.1';

/** One event that the scanner acknowledged. Milliseconds since 1970, with fractions. */
export interface Delivery {
  /** When the object became final, as Cloud Storage says, in whole milliseconds. */
  readonly finalizedAt: number;
  /** When the scanner was given the event for the last time. */
  readonly deliveredAt: number;
  /** When it answered that verdict and event are out. */
  readonly answeredAt: number;
}

/** What stands between Cloud Storage's events and the scanner, as Cloud Run does, with a clock. */
export interface Front {
  readonly url: string;
  /** Where the scanner is; until then events wait. */
  leadTo(scanner: string): void;
  /** Keeps events from the scanner until what it returns is called. */
  hold(): () => void;
  /** Resolves once the event of an object is acknowledged. */
  delivered(name: string): Promise<Delivery>;
  close(): Promise<void>;
}

/** @param slots requests that the scanner gets at a time, as terraform/scanner.tf sets it: the others wait here */
export async function startFront(slots: number): Promise<Front> {
  const deliveries = new Map<string, PromiseWithResolvers<Delivery>>();
  const target = Promise.withResolvers<string>();
  const waiting: (() => void)[] = [];
  let held: Promise<void> | undefined;
  let free = slots;

  const of = (name: string): PromiseWithResolvers<Delivery> => {
    const known = deliveries.get(name) ?? Promise.withResolvers<Delivery>();
    deliveries.set(name, known);
    return known;
  };
  const take = async (): Promise<void> => {
    if (free > 0) free -= 1;
    else await new Promise<void>((resolve) => waiting.push(resolve));
  };
  const giveBack = (): void => {
    const next = waiting.shift();
    if (next) next();
    else free += 1;
  };
  const deliver = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const body = Buffer.concat(await request.toArray());
    const { name, timeCreated } = JSON.parse(body.toString()) as { name: string; timeCreated: string };
    const scanner = await target.promise;
    await held;
    await take();
    const deliveredAt = performance.timeOrigin + performance.now();
    try {
      const { status } = await send(scanner, { method: 'POST', headers: eventHeaders(request), body });
      const answeredAt = performance.timeOrigin + performance.now();
      of(name).resolve({ finalizedAt: Date.parse(timeCreated), deliveredAt, answeredAt });
      response.writeHead(status).end();
    } catch {
      // The scanner refused, or broke off: Cloud Storage's side sends it again.
      response.writeHead(503).end();
    } finally {
      giveBack();
    }
  };

  const server = createServer((request, response) => void deliver(request, response));
  server.listen(0, HOST);
  await once(server, 'listening');
  return {
    url: `http://${HOST}:${(server.address() as AddressInfo).port}`,
    leadTo: (scanner) => target.resolve(scanner),
    hold: () => {
      const { promise, resolve } = Promise.withResolvers<void>();
      held = promise;
      return resolve;
    },
    delivered: (name) => of(name).promise,
    close: async () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

function eventHeaders({ headers }: IncomingMessage): Record<string, string> {
  const kept = Object.entries(headers).filter(([name]) => name.startsWith('ce-') || name === 'content-type');
  return Object.fromEntries(kept.map(([name, value]) => [name, String(value)]));
}
