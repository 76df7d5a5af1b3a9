import * as v from 'valibot';
import { json } from '../../../shared/runtime/config.ts';
import { FileKey } from './file-key.ts';
import { KmsKey, type KmsTransport } from './kms-key.ts';
import { retiredKeysSchema, type SigningKey, VerdictSigner } from './signer.ts';

const KEY_EXPECTED =
  'should be projects/…/locations/…/keyRings/…/cryptoKeys/…/cryptoKeyVersions/N, or file:/ and the path of a PEM file';

/** Configuration of signed verdicts; without `VERDICT_KEY` there are none. */
export const verdictVariables = {
  VERDICT_KEY: v.optional(
    v.pipe(
      v.string(),
      v.regex(
        /^(?:file:\/.+|projects\/[^/]+\/locations\/[^/]+\/keyRings\/[^/]+\/cryptoKeys\/[^/]+\/cryptoKeyVersions\/[1-9]\d*)$/,
        KEY_EXPECTED,
      ),
    ),
  ),
  VERDICT_KEYS_RETIRED: v.optional(json(retiredKeysSchema)),
};

/** Signs statements about verdicts. See docs/adr/0038-signed-verdicts.md */
export interface Verdicts {
  readonly signer: VerdictSigner;
  /** Where the schema of the predicate is served. */
  readonly filesUrl: string;
}

/** @throws {Error} one line that names the variable, and what it should be */
export function connectVerdicts(
  { VERDICT_KEY: key, VERDICT_KEYS_RETIRED: retired }: VerdictConfig,
  { filesUrl, ...kms }: VerdictDeps,
): Verdicts | undefined {
  if (key === undefined) return undefined;
  if (filesUrl === undefined) throw new Error('Configuration: FILES_URL is not set: VERDICT_KEY needs it');
  return { signer: new VerdictSigner(signingKey(key, kms), retired?.keys), filesUrl };
}

type VerdictConfig = v.InferOutput<v.ObjectSchema<typeof verdictVariables, undefined>>;

interface VerdictDeps {
  readonly filesUrl: string | undefined;
  readonly connectKms: () => KmsTransport;
  /** Milliseconds for one request to Cloud KMS. */
  readonly timeoutMs: number;
}

function signingKey(key: string, { connectKms, timeoutMs }: Omit<VerdictDeps, 'filesUrl'>): SigningKey {
  if (!key.startsWith('file:')) return new KmsKey({ transport: connectKms(), version: key, timeoutMs });
  try {
    return new FileKey(key.slice('file:'.length));
  } catch (cause) {
    const message = 'Configuration: VERDICT_KEY is not valid: should name a private key on P-256 in PEM';
    throw new Error(message, { cause });
  }
}
