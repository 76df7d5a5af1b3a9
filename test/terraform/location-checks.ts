import { type Deployment, ofType } from './deployment.ts';
import { textAt } from './json.ts';

/** https://cloud.google.com/storage/docs/encryption/customer-managed-keys: multi-regions have other names in Cloud KMS. */
const MULTI_REGIONS: Readonly<Record<string, string>> = { EU: 'europe', US: 'us', ASIA: 'asia' };

/** Which keys are of another location than what they encrypt, which Google refuses. */
export function locationFindings(deployment: Deployment): readonly string[] {
  const region = textAt(ofType(deployment, 'google_cloud_run_v2_service')[0]?.values, 'location');
  const findings = (type: string, key: readonly (string | number)[], where: (values: unknown) => string) =>
    ofType(deployment, type).flatMap(({ address, values }) => {
      const found = keyLocation(textAt(values, ...key));
      const wanted = where(values);
      return found === '' || found === wanted
        ? []
        : [`${address}: a key of ${found} does not encrypt in ${wanted}`];
    });
  return [
    ...findings('google_storage_bucket', ['encryption', 0, 'default_kms_key_name'], (values) => {
      const location = textAt(values, 'location');
      return MULTI_REGIONS[location.toUpperCase()] ?? location.toLowerCase();
    }),
    ...findings('google_pubsub_topic', ['kms_key_name'], () => region),
    ...findings('google_cloud_run_v2_service', ['template', 0, 'encryption_key'], () => region),
    ...findings('google_cloud_run_v2_job', ['template', 0, 'template', 0, 'encryption_key'], () => region),
  ];
}

/** `europe` of `projects/…/locations/europe/…`. */
export function keyLocation(key: string): string {
  return /\/locations\/([^/]+)\//.exec(key)?.[1] ?? '';
}
