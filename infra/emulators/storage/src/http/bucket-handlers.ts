import { empty, json } from '../answer.ts';
import { ApiError, conflict } from '../api-error.ts';
import { type JsonRecord, readRecord } from '../json-body.ts';
import { checkPreconditions, parsePreconditions } from '../state/preconditions.ts';
import type { Store } from '../state/store.ts';
import type { StoredBucket } from '../state/stored-object.ts';
import { mergeBucketConfig } from './bucket-config.ts';
import type { Call, Handler } from './call.ts';
import { checkBucketName } from './object-name.ts';
import { bucketResource } from './resource.ts';

type BucketOperation =
  | 'buckets.insert'
  | 'buckets.list'
  | 'buckets.get'
  | 'buckets.patch'
  | 'buckets.update'
  | 'buckets.delete'
  | 'buckets.getStorageLayout'
  | 'notifications.list';

/** Source: Cloud Storage JSON API, Buckets. */
export function bucketHandlers(store: Store): Record<BucketOperation, Handler> {
  const addressed = (call: Call, kind: 'read' | 'write'): StoredBucket => {
    const { bucket } = store.bucket(call.route.target.bucket);
    checkPreconditions(parsePreconditions(call.query), { generation: 0, ...bucket }, kind);
    return bucket;
  };
  const change = async (call: Call, base: (bucket: StoredBucket) => JsonRecord) => {
    const body = await readRecord(call.body);
    const before = addressed(call, 'write');
    const now = store.now();
    const bucket: StoredBucket = {
      ...before,
      metageneration: before.metageneration + 1,
      updated: now,
      config: mergeBucketConfig(base(before), body, now),
    };
    store.commit({ bucket });
    return json(200, bucketResource(bucket, call.base));
  };

  return {
    'buckets.insert': async (call) => {
      const body = await readRecord(call.body);
      const bucket = createBucket(store, checkBucketName(body['name']), body);
      return json(200, bucketResource(bucket, call.base));
    },
    'buckets.list': (call) => {
      const prefix = call.query.get('prefix') ?? '';
      const items = [...store.state.buckets.keys()]
        .filter((name) => name.startsWith(prefix))
        .sort()
        .map((name) => bucketResource(store.bucket(name).bucket, call.base));
      return json(200, { kind: 'storage#buckets', ...(items.length > 0 && { items }) });
    },
    'buckets.get': (call) => json(200, bucketResource(addressed(call, 'read'), call.base)),
    'buckets.patch': (call) => change(call, (bucket) => bucket.config),
    'buckets.update': (call) => change(call, () => ({})),
    'buckets.delete': (call) => {
      const { name } = addressed(call, 'write');
      if (store.bucket(name).objects.size > 0) {
        throw conflict('The bucket you tried to delete is not empty.');
      }
      store.commit({ bucketDeleted: name });
      return empty(204);
    },
    // Subscriptions of the emulator stand for Eventarc triggers, which are no notification configurations.
    'notifications.list': (call) => {
      addressed(call, 'read');
      return json(200, { kind: 'storage#notifications' });
    },
    'buckets.getStorageLayout': (call) => {
      const { name: bucket } = addressed(call, 'read');
      return json(200, {
        kind: 'storage#storageLayout',
        bucket,
        location: 'US',
        locationType: 'multi-region',
        hierarchicalNamespace: { enabled: false },
      });
    },
  };
}

/** @throws ApiError 409 when it exists */
export function createBucket(store: Store, name: string, resource: JsonRecord = {}): StoredBucket {
  if (store.state.buckets.has(name)) {
    throw new ApiError(
      409,
      'conflict',
      'Your previous request to create the named bucket succeeded and you already own it.',
    );
  }
  const now = store.now();
  const config = mergeBucketConfig({}, resource, now);
  const bucket: StoredBucket = { name, metageneration: 1, timeCreated: now, updated: now, config };
  store.commit({ bucket });
  return bucket;
}
