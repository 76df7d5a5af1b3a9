import type { Bucket } from '../shared/storage/bucket.ts';

/** Deletes what is in a bucket, so that gigabytes do not gather. */
export async function empty(bucket: Bucket): Promise<void> {
  const { objects } = await bucket.list({ prefix: '', maxResults: 1000 });
  for (const object of objects) await bucket.delete(object.name, object);
}
