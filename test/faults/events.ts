import { eventually } from '../support/service.ts';
import type { Rig } from './rig.ts';

/** Object resources as an event carries them. */
export type Resource = Readonly<Record<string, unknown>> & { readonly name: string };

/** An event of an object being final, ready to be posted. */
export interface EventRequest {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Event as Eventarc posts it. */
export function cloudEvent(resource: Resource): EventRequest {
  return {
    headers: {
      'content-type': 'application/json',
      'ce-id': `test-${resource.name}`,
      'ce-specversion': '1.0',
      'ce-type': 'google.cloud.storage.object.v1.finalized',
      'ce-source': '//storage.googleapis.com/projects/_/buckets/unscanned',
      'ce-subject': `objects/${resource.name}`,
    },
    body: JSON.stringify(resource),
  };
}

/** Event as a Pub/Sub push of Cloud Storage's own notification. */
function pubsubPush(resource: Resource): EventRequest {
  const data = Buffer.from(JSON.stringify(resource)).toString('base64');
  const attributes = {
    eventType: 'OBJECT_FINALIZE',
    bucketId: 'unscanned',
    objectId: resource.name,
    payloadFormat: 'JSON_API_V1',
  };
  const message = { attributes, data, messageId: '1', publishTime: '2026-01-01T00:00:00Z' };
  return {
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ message, subscription: 'projects/p/subscriptions/s' }),
  };
}

export const FORMS = [
  ['CloudEvent', cloudEvent],
  ['Pub/Sub push', pubsubPush],
] as const;

/** @returns the status, or `cut` */
export async function post(rig: Rig, { headers, body }: EventRequest): Promise<number | 'cut'> {
  try {
    const response = await fetch(rig.scannerUrl, { method: 'POST', headers, body });
    await response.arrayBuffer();
    return response.status;
  } catch {
    return 'cut';
  }
}

/** The resources of the objects in unscanned with these names, once they are there. */
export async function resources(rig: Rig, ids: readonly (string | undefined)[]): Promise<Resource[]> {
  return eventually(async () => {
    const call = {
      operation: 'objects.list',
      method: 'GET',
      url: '/storage/v1/b/unscanned/o?maxResults=1000',
    } as const;
    const { items = [] } = (await rig.storage().json(call)).body as { items?: Resource[] };
    const found = items.filter(({ name }) => ids.includes(name));
    return found.length === ids.length && found;
  });
}
