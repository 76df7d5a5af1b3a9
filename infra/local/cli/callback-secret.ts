/**
 * `npm run --silent callback-secret -- org:889640782`: prints the secret that the receiver of an owner verifies callbacks with.
 * `CALLBACK_KEYS` has the keys of a deployment; without it, they are those of `npm start`.
 */
import { resolve } from 'node:path';
import * as v from 'valibot';
import { callbackKeys, secretOf } from '../../../functions/notify/signature.ts';
import { parsePrincipal } from '../../../shared/identity/principal.ts';
import { callbackKeyOf } from '../keys/callback-key.ts';
import { readPlatformConfig } from '../processes/config.ts';

const owner = parsePrincipal(process.argv[2] ?? '');
if (owner) {
  const local = () =>
    callbackKeyOf(readPlatformConfig(process.env, resolve(import.meta.dirname, '../../..')).data);
  const [key] = v.parse(callbackKeys, process.env['CALLBACK_KEYS'] ?? local());
  if (key) console.log(secretOf(owner, key));
} else {
  console.error('Usage: npm run --silent callback-secret -- org:889640782');
  process.exitCode = 1;
}
