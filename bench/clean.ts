import type { Bucket } from '../shared/storage/bucket.ts';

/** Deletes what is in a bucket, so that gigabytes do not gather. */
export async function empty(bucket: Bucket): Promise<void> {
  const { objects } = await bucket.list({ prefix: '', maxResults: 1000 });
  for (const object of objects) await bucket.delete(object.name, object);
}

/** Deletes an object that is there. */
export async function deleted(bucket: Bucket, name: string): Promise<void> {
  const object = await bucket.stat(name);
  if (object) await bucket.delete(name, object);
}
