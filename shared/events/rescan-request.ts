import { type Generation, parseGeneration, type StoredObject } from '../storage/object.ts';
import type { EventMessage } from './cloud-event.ts';

/** A stored content that is to be scanned again. */
export interface RescanRequest {
  /** Name of the blob. */
  readonly name: string;
  readonly generation: Generation;
  /** A scan that ended since then answers the request. */
  readonly dueAt: Date;
}

/** The message of the walker to the rescanner: theirs alone, and no CloudEvent. */
export function rescanRequest({ name, generation }: StoredObject, dueAt: Date): EventMessage {
  const request = { name, generation, dueAt: dueAt.toISOString() };
  return { data: Buffer.from(JSON.stringify(request)), attributes: {} };
}

/** @param body of the Pub/Sub push, parsed; undefined where it is no such message */
export function parseRescanRequest(body: unknown): RescanRequest | undefined {
  const { message } = (body ?? {}) as { message?: { data?: unknown } };
  try {
    const text = Buffer.from(String(message?.data), 'base64').toString();
    const { name, ...request } = JSON.parse(text) as Readonly<Record<string, unknown>>;
    const generation = parseGeneration(request['generation']);
    const dueAt = new Date(String(request['dueAt']));
    if (typeof name !== 'string' || !generation || Number.isNaN(dueAt.getTime())) return undefined;
    return { name, generation, dueAt };
  } catch {
    return undefined;
  }
}
