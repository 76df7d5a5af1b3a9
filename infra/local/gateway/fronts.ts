import type { RequestListener } from 'node:http';
import deployment from '../deployment.json' with { type: 'json' };
import { createFront } from './front.ts';
import { type Listening, listen } from './listening.ts';

const SERVICES = [
  'upload',
  'files',
  'scanner',
  'rescanner',
  'sweeper',
  'auditor',
  'exporter',
  'notify',
] as const;
export type Service = (typeof SERVICES)[number];

export interface FrontsOptions {
  readonly host: string;
  /** Where each function listens, and where its front does. */
  readonly ports: Readonly<Record<Service | `${Service}Front`, number>>;
  /** Milliseconds that a function took to start; 0 before it has. */
  readonly startMs: (service: Service) => number;
  /** Told of a request for which no instance became free. */
  readonly onRefused: (service: Service) => void;
}

/** A front for each service with the limits of the deployment, at its own address. */
export interface Fronts {
  /** The targets of a load balancer. */
  readonly listeners: Readonly<Record<Service, RequestListener>>;
  readonly urls: Readonly<Record<Service, string>>;
  /** See {@link Listening}. */
  stopAccepting(): void;
  /** See {@link Listening}. */
  close(): Promise<void>;
}

/** Rejects with the error of `listen`. */
export async function startFronts({ host, ports, startMs, onRefused }: FrontsOptions): Promise<Fronts> {
  const of = <T>(make: (service: Service) => T) =>
    Object.fromEntries(SERVICES.map((service) => [service, make(service)])) as Record<Service, T>;
  const listeners = of((service) => {
    const { concurrency, timeoutSeconds } = deployment.services[service];
    const upstream = { host, port: ports[service] };
    const timeoutMs = timeoutSeconds * 1000;
    return createFront({
      upstream,
      concurrency,
      timeoutMs,
      startMs: () => startMs(service),
      onRefused: () => onRefused(service),
    });
  });
  await using undo = new AsyncDisposableStack();
  const listening = new Map<Service, Listening>();
  for (const service of SERVICES) {
    const server = await listen({ host, port: ports[`${service}Front`] }, listeners[service]);
    undo.defer(() => server.close());
    listening.set(service, server);
  }
  const running = undo.move();
  return {
    listeners,
    urls: of((service) => listening.get(service)?.url ?? ''),
    stopAccepting: () => {
      for (const server of listening.values()) server.stopAccepting();
    },
    close: () => running.disposeAsync(),
  };
}
