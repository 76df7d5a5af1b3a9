import { localSecret } from './local-secret.ts';

/** `CALLBACK_KEYS` of the platform that keeps its data in `folder`. */
export function callbackKeyOf(folder: string): string {
  return `whsec_${Buffer.from(localSecret(folder, 'callback-key'), 'base64url').toString('base64')}`;
}
