import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { PENDING } from '../../infra/local/gateway/limits.ts';
import { Slots } from '../../infra/local/gateway/slots.ts';
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

/** Answers to deliveries since the front was started. */
interface Answers {
  readonly all: number;
  /** Answers of 400 and more: by the scanner, or by the front itself where no request was let through in time. */
  readonly refused: number;
}

/** Stands between Cloud Storage's events and the scanner, as Cloud Run does, with a clock. */
export interface Front {
  readonly url: string;
  /** Where instances of the scanner are, which take turns; until then events wait. */
  leadTo(...scanners: readonly string[]): void;
  /** Keeps events from the scanner until what it returns is called. */
  hold(): () => void;
  /** Resolves once the event of an object is acknowledged. */
  delivered(name: string): Promise<Delivery>;
  answers(): Answers;
  close(): Promise<void>;
}

/**
 * @param concurrency requests that an instance of the scanner gets at a time: the others wait here, as long as Cloud Run lets them
 */
export async function startFront(concurrency: number): Promise<Front> {
  const deliveries = new Map<string, PromiseWithResolvers<Delivery>>();
  const led = Promise.withResolvers<void>();
  let instances: readonly { readonly url: string; readonly slots: Slots }[] = [];
  let turn = 0;
  const { signal } = new AbortController();
  let held: Promise<void> | undefined;
  let [all, refused] = [0, 0];

  const of = (name: string): PromiseWithResolvers<Delivery> => {
    const known = deliveries.get(name) ?? Promise.withResolvers<Delivery>();
    deliveries.set(name, known);
    return known;
  };
  const deliver = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const body = Buffer.concat(await request.toArray());
    const { name, timeCreated } = JSON.parse(body.toString()) as { name: string; timeCreated: string };
    await led.promise;
    await held;
    const instance = instances[turn++ % instances.length];
    const release = await instance?.slots.take(PENDING.leastMs, signal);
    all += 1;
    const deliveredAt = performance.timeOrigin + performance.now();
    try {
      if (!instance || !release) throw new Error('no instance took it in time');
      const { status } = await send(instance.url, { method: 'POST', headers: eventHeaders(request), body });
      const answeredAt = performance.timeOrigin + performance.now();
      of(name).resolve({ finalizedAt: Date.parse(timeCreated), deliveredAt, answeredAt });
      response.writeHead(status).end();
    } catch {
      // The scanner refused, or broke off: Cloud Storage's side sends it again.
      refused += 1;
      response.writeHead(503).end();
    } finally {
      release?.();
    }
  };

  const server = createServer((request, response) => void deliver(request, response));
  server.listen(0, HOST);
  await once(server, 'listening');
  return {
    url: `http://${HOST}:${(server.address() as AddressInfo).port}`,
    leadTo: (...scanners) => {
      instances = scanners.map((url) => ({ url, slots: new Slots(concurrency) }));
      led.resolve();
    },
    hold: () => {
      const { promise, resolve } = Promise.withResolvers<void>();
      held = promise;
      return resolve;
    },
    delivered: (name) => of(name).promise,
    answers: () => ({ all, refused }),
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
