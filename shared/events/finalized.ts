import { parseObject, type StoredObject } from '../storage/object.ts';
import type { EventMessage } from './cloud-event.ts';

const CLOUD_EVENT_TYPE = 'google.cloud.storage.object.v1.finalized';
const NOTIFICATION_TYPE = 'OBJECT_FINALIZE';

export type FinalizedEvent =
  | { readonly kind: 'finalized'; readonly object: StoredObject }
  /** Not for us, today or ever: acknowledging it is right, repeating it changes nothing. */
  | { readonly kind: 'foreign'; readonly why: string };

/**
 * "This object is final", in the two forms it reaches a function in:
 * - Eventarc's CloudEvent in binary mode: `ce-*` headers, the object resource as body;
 *   https://cloud.google.com/eventarc/docs/cloudevents
 * - Cloud Storage's notification by a Pub/Sub push: attributes, and the resource as base64 in `message.data`;
 *   https://cloud.google.com/storage/docs/pubsub-notifications
 * @param body the parsed JSON of the request
 */
export function parseFinalized(
  headers: Readonly<Record<string, string | string[] | undefined>>,
  body: unknown,
): FinalizedEvent {
  const type = headers['ce-type'];
  if (type === CLOUD_EVENT_TYPE) return finalized(body);
  if (type !== undefined) return { kind: 'foreign', why: `CloudEvent of type ${String(type)}` };
  return parsePush(body);
}

function parsePush(body: unknown): FinalizedEvent {
  const message = (body as { message?: { attributes?: Record<string, unknown>; data?: unknown } } | null)
    ?.message;
  const eventType = message?.attributes?.['eventType'];
  if (eventType !== NOTIFICATION_TYPE)
    return { kind: 'foreign', why: `notification of type ${String(eventType)}` };
  if (typeof message?.data !== 'string')
    return { kind: 'foreign', why: 'notification without the object resource' };
  try {
    return finalized(JSON.parse(Buffer.from(message.data, 'base64').toString()));
  } catch {
    return { kind: 'foreign', why: 'notification whose data is not JSON' };
  }
}

/**
 * The notification that Cloud Storage would send of an object, to send it once more.
 * @param redrivenAt tells this one from earlier notifications of the same object: {@link redrivenAtOf}
 */
export function notificationOf(object: StoredObject, redrivenAt: Date): EventMessage {
  const { size, timeCreated, ...same } = object;
  const resource = {
    kind: 'storage#object',
    ...same,
    size: String(size),
    timeCreated: timeCreated.toISOString(),
  };
  return {
    data: Buffer.from(JSON.stringify(resource)),
    attributes: {
      eventType: NOTIFICATION_TYPE,
      payloadFormat: 'JSON_API_V1',
      bucketId: object.bucket,
      objectId: object.name,
      objectGeneration: object.generation,
      redrivenAt: redrivenAt.toISOString(),
    },
  };
}

/** When a pushed notification was sent by {@link notificationOf}; undefined where Cloud Storage sent it. */
export function redrivenAtOf(body: unknown): string | undefined {
  const { message } = (body ?? {}) as { message?: { attributes?: Record<string, unknown> } };
  const at = message?.attributes?.['redrivenAt'];
  return typeof at === 'string' ? at : undefined;
}

function finalized(resource: unknown): FinalizedEvent {
  try {
    return { kind: 'finalized', object: parseObject(resource) };
  } catch (error) {
    return { kind: 'foreign', why: (error as Error).message };
  }
}
