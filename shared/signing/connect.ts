import * as v from 'valibot';
import { FileKey } from './file-key.ts';
import { KmsKey, type KmsTransport } from './kms-key.ts';
import type { SigningKey } from './signer.ts';

const KEY_EXPECTED =
  'should be projects/…/locations/…/keyRings/…/cryptoKeys/…/cryptoKeyVersions/N, or file:/ and the path of a PEM file';

/** Configuration of the key that signs statements; without it there are none. */
export const keyVariables = {
  VERDICT_KEY: v.optional(
    v.pipe(
      v.string(),
      v.regex(
        /^(?:file:\/.+|projects\/[^/]+\/locations\/[^/]+\/keyRings\/[^/]+\/cryptoKeys\/[^/]+\/cryptoKeyVersions\/[1-9]\d*)$/,
        KEY_EXPECTED,
      ),
    ),
  ),
};

export interface KeyDeps {
  readonly connectKms: () => KmsTransport;
  /** Milliseconds for one request to Cloud KMS. */
  readonly timeoutMs: number;
}

/** @param key `VERDICT_KEY` @throws {Error} one line that says what it should be */
export function signingKey(key: string, { connectKms, timeoutMs }: KeyDeps): SigningKey {
  if (!key.startsWith('file:')) return new KmsKey({ transport: connectKms(), version: key, timeoutMs });
  try {
    return new FileKey(key.slice('file:'.length));
  } catch (cause) {
    const message = 'Configuration: VERDICT_KEY is not valid: should name a private key on P-256 in PEM';
    throw new Error(message, { cause });
  }
}
