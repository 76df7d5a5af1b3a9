import { objectResource } from '../http/resource.ts';
import type { StoredBucket, StoredObject } from '../state/stored-object.ts';

export interface CloudEventRequest {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/**
 * The finalize event in binary mode, as Eventarc posts it.
 * Source: https://cloud.google.com/eventarc/docs/cloudevents; CloudEvents HTTP protocol binding 1.0.2, section 3.1.
 * @param id the same in each delivery of the event
 */
export function finalizedEvent(
  id: string,
  object: StoredObject,
  bucket: StoredBucket,
  base: string,
): CloudEventRequest {
  const body = JSON.stringify(objectResource(object, bucket, base));
  return {
    body,
    headers: {
      'content-type': 'application/json',
      'content-length': String(Buffer.byteLength(body)),
      'ce-id': id,
      'ce-specversion': '1.0',
      'ce-type': 'google.cloud.storage.object.v1.finalized',
      'ce-source': `//storage.googleapis.com/projects/_/buckets/${object.bucket}`,
      'ce-subject': headerValue(`objects/${object.name}`),
      'ce-time': new Date(object.timeCreated).toISOString(),
      'ce-bucket': object.bucket,
    },
  };
}

/** Percent-encoded where the HTTP binding asks for it (section 3.1.3.2): names may be of any Unicode. */
const headerValue = (text: string): string =>
  text.replace(/[^!#-$&-~]/gu, (character) =>
    [...Buffer.from(character)]
      .map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`)
      .join(''),
  );
