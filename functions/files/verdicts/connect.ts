import * as v from 'valibot';
import { json } from '../../../shared/runtime/config.ts';
import { type KeyDeps, keyVariables, signingKey } from '../../../shared/signing/connect.ts';
import { retiredKeysSchema, StatementSigner } from '../../../shared/signing/signer.ts';

/** Configuration of signed verdicts; without `VERDICT_KEY` there are none. */
export const verdictVariables = {
  ...keyVariables,
  VERDICT_KEYS_RETIRED: v.optional(json(retiredKeysSchema)),
};

/** Signs statements about verdicts. See docs/adr/0038-signed-verdicts.md */
export interface Verdicts {
  readonly signer: StatementSigner;
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
  return { signer: new StatementSigner(signingKey(key, kms), retired?.keys), filesUrl };
}

type VerdictConfig = v.InferOutput<v.ObjectSchema<typeof verdictVariables, undefined>>;

interface VerdictDeps extends KeyDeps {
  readonly filesUrl: string | undefined;
}
