import { generateKeyPairSync } from 'node:crypto';
import { join } from 'node:path';
import { localSecret } from './local-secret.ts';

const NAME = 'verdict-key.pem';

/** `VERDICT_KEY` of the platform that keeps its data in `folder`, which is an absolute path. */
export function verdictKeyOf(folder: string): string {
  localSecret(folder, NAME, newKey);
  return `file:${join(folder, NAME)}`;
}

function newKey(): string {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return privateKey.export({ type: 'pkcs8', format: 'pem' }) as string;
}
