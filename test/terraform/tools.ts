import { existsSync } from 'node:fs';
import { join } from 'node:path';

export const ROOT = join(import.meta.dirname, '../..');
export const MODULE = join(ROOT, 'terraform');

/**
 * Programs that are no part of this repository: they stand beside it, or are named by a variable.
 * `TFCHECK DIR --var k=v --json FILE` runs terraform against a stub of the google provider;
 * `GCLOUD_LINT message API VERSION MESSAGE FILE` checks a document against Google's own message definitions.
 */
const BESIDE = {
  TFCHECK: '../shared/tools/terraform-offline/tfcheck',
  GCLOUD_LINT: '../shared/tools/gcloud-lint/gcloud-lint',
} as const;

export function findTool(name: keyof typeof BESIDE): string | undefined {
  const path = process.env[name] || join(ROOT, BESIDE[name]);
  if (existsSync(path)) return path;
  console.log(`    SKIPPED: ${name} is not at ${path}; set ${name} to where it is`);
  return undefined;
}
