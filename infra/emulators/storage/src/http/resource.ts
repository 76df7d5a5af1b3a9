import { retentionExpiration } from '../state/retention.ts';
import type { StoredBucket, StoredObject } from '../state/stored-object.ts';

const time = (milliseconds: number): string => new Date(milliseconds).toISOString();

/**
 * The resource of an object. Source: Cloud Storage JSON API, "Objects".
 * @param base scheme and authority under which the links are reachable, as `http://127.0.0.1:4443`
 */
export function objectResource(object: StoredObject, bucket: StoredBucket, base: string): object {
  const path = `b/${encodeURIComponent(object.bucket)}/o/${encodeURIComponent(object.name)}`;
  const expires = retentionExpiration(bucket, object);
  const created = time(object.timeCreated);
  return {
    kind: 'storage#object',
    id: `${object.bucket}/${object.name}/${object.generation}`,
    selfLink: `${base}/storage/v1/${path}`,
    mediaLink: `${base}/download/storage/v1/${path}?generation=${object.generation}&alt=media`,
    name: object.name,
    bucket: object.bucket,
    generation: String(object.generation),
    metageneration: String(object.metageneration),
    storageClass: 'STANDARD',
    size: String(object.size),
    ...(object.md5Hash !== undefined && { md5Hash: object.md5Hash }),
    crc32c: object.crc32c,
    ...(object.componentCount !== undefined && { componentCount: object.componentCount }),
    etag: etag(object),
    timeCreated: created,
    updated: object.updated === object.timeCreated ? created : time(object.updated),
    timeStorageClassUpdated: created,
    timeFinalized: created,
    ...(expires !== undefined && { retentionExpirationTime: time(expires) }),
    ...object.settable,
  };
}

export function bucketResource(bucket: StoredBucket, base: string): object {
  return {
    kind: 'storage#bucket',
    id: bucket.name,
    selfLink: `${base}/storage/v1/b/${encodeURIComponent(bucket.name)}`,
    projectNumber: '1',
    name: bucket.name,
    timeCreated: time(bucket.timeCreated),
    updated: time(bucket.updated),
    metageneration: String(bucket.metageneration),
    etag: etag({ generation: 0, metageneration: bucket.metageneration }),
    location: 'US',
    locationType: 'multi-region',
    storageClass: 'STANDARD',
    iamConfiguration: {
      uniformBucketLevelAccess: { enabled: true },
      publicAccessPrevention: 'enforced',
    },
    ...bucket.config,
  };
}

/** ETag as the real service makes it: a protocol buffer of the two versions, in base64. */
export function etag(versions: Pick<StoredObject, 'generation' | 'metageneration'>): string {
  return Buffer.from([
    0x08,
    ...varint(versions.generation),
    0x10,
    ...varint(versions.metageneration),
  ]).toString('base64');
}

function varint(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) | 0x80);
  bytes.push(rest);
  return bytes;
}
