import assert from 'node:assert/strict';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { Socket } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import { createScanner } from 'clamdjs';
import { type Clamd, type ClamdOptions, createClamd } from '../../../shared/scanning/clamd.ts';

/** Longer than any test takes. */
const PATIENCE_MS = 10_000;
/** Not as long: clamdjs may keep a timer, which holds the process up. */
export const BARE_TIMEOUT_MS = 3_000;

/** clamdjs behind the guard. */
export function guarded(server: { host: string; port: number }, options: Partial<ClamdOptions> = {}): Clamd {
  const { host, port } = server;
  const patient = { connectTimeoutMs: PATIENCE_MS, idleTimeoutMs: PATIENCE_MS, totalTimeoutMs: PATIENCE_MS };
  return createClamd({ host, port, ...patient, ...options });
}

/** clamdjs alone. */
export function bare(server: { host: string; port: number }) {
  return createScanner(server.host, server.port);
}

/** Whether a promise is still pending when all that can happen now has happened. */
export async function isPending(promise: Promise<unknown>): Promise<boolean> {
  for (let i = 0; i < 10; i++) await turn();
  const pending = Symbol();
  return (await Promise.race([promise, Promise.resolve(pending)])) === pending;
}

/** The socket that clamdjs opens during the call. */
export function socketOf(call: () => unknown): Socket {
  let socket: Socket | undefined;
  const take = (message: unknown) => {
    socket = (message as { socket: Socket }).socket;
  };
  subscribe('net.client.socket', take);
  call();
  unsubscribe('net.client.socket', take);
  assert(socket);
  return socket;
}
