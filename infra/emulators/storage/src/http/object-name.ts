import { invalid, required } from '../api-error.ts';

/** Source: Cloud Storage, "Object naming". @throws ApiError 400 */
export function checkObjectName(name: unknown): string {
  if (typeof name !== 'string' || name === '') throw required('Required parameter: name');
  if (Buffer.byteLength(name) > 1024) {
    throw invalid('The maximum object length is 1024 characters, but got a name with more.');
  }
  if (
    /[\r\n]/.test(name) ||
    name === '.' ||
    name === '..' ||
    name.startsWith('.well-known/acme-challenge/')
  ) {
    throw invalid(`Disallowed object name: ${JSON.stringify(name)}`);
  }
  return name;
}

/** Source: Cloud Storage, "Bucket naming". @throws ApiError 400 */
export function checkBucketName(name: unknown): string {
  if (typeof name !== 'string' || name === '') throw required('Required parameter: name');
  if (!/^[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]$/.test(name)) throw invalid(`Invalid bucket name: '${name}'`);
  return name;
}
