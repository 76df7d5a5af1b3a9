import { parseSha256, type Sha256 } from '../files/record.ts';
import { defined } from '../runtime/defined.ts';
import { type Generation, parseGeneration, type StoredObject } from '../storage/object.ts';
import type { EventMessage } from './cloud-event.ts';

/** A content that is to be scanned again: a blob, or bytes in quarantine. */
export interface RescanRequest {
  /** Name of the object. */
  readonly name: string;
  readonly generation: Generation;
  /** A scan that began since then answers the request. */
  readonly dueAt: Date;
  /** The digest that the bytes should have, of an object in quarantine. */
  readonly quarantined?: Sha256;
}

/**
 * The message of the walker to the rescanner: theirs alone, and no CloudEvent.
 * @param quarantined as {@link RescanRequest} has it
 */
export function rescanRequest(
  { name, generation }: StoredObject,
  dueAt: Date,
  quarantined?: Sha256,
): EventMessage {
  const request = defined({ name, generation, dueAt: dueAt.toISOString(), quarantined });
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
    if (request['quarantined'] === undefined) return { name, generation, dueAt };
    const quarantined = parseSha256(String(request['quarantined']));
    return quarantined && { name, generation, dueAt, quarantined };
  } catch {
    return undefined;
  }
}
