import { existsSync } from 'node:fs';
import { join } from 'node:path';

export const ROOT = join(import.meta.dirname, '../..');
export const MODULE = join(ROOT, 'terraform');

/**
 * Programs that are no part of this repository, named by variables of the environment.
 * `TFCHECK DIR --var k=v --json FILE` runs terraform against a stub of the google provider;
 * `GCLOUD_LINT message API VERSION MESSAGE FILE` checks a document against Google's own message definitions.
 */
export function findTool(name: 'TFCHECK' | 'GCLOUD_LINT'): string | undefined {
  const path = process.env[name];
  if (path && existsSync(path)) return path;
  console.log(`    SKIPPED: set ${name} to where it is`);
  return undefined;
}
