import { createHmac, hkdfSync } from 'node:crypto';
import * as v from 'valibot';
import type { Principal } from '../../shared/identity/principal.ts';

const PREFIX = 'whsec_';
const SECRET_BYTES = 32;
/** A key, and the one that it replaces. */
const MOST_KEYS = 2;
const EXPECTED = 'should be one or two keys, each whsec_ and 32 to 64 bytes in Base64, separated by a space';

/** `CALLBACK_KEYS`: the key of the deployment, and for a time its predecessor. */
export const callbackKeys = v.pipe(
  v.string(EXPECTED),
  v.transform((text) => text.trim().split(/\s+/)),
  v.maxLength(MOST_KEYS, EXPECTED),
  v.array(
    v.pipe(
      v.string(),
      v.regex(/^whsec_[A-Za-z0-9+/]{43,86}={0,2}$/, EXPECTED),
      v.transform((text) => Buffer.from(text.slice(PREFIX.length), 'base64')),
    ),
  ),
);

export type CallbackKeys = v.InferOutput<typeof callbackKeys>;

/**
 * The secret of an owner, as its receiver configures it. It is derived from the key of the deployment, so that no receiver
 * can sign in the name of the service to another, and none is stored.
 */
export function secretOf(owner: Principal, key: Uint8Array): string {
  return PREFIX + derived(owner, key).toString('base64');
}

function derived(owner: Principal, key: Uint8Array): Buffer {
  return Buffer.from(hkdfSync('sha256', key, '', `hops-fileshare callback ${owner}`, SECRET_BYTES));
}

/**
 * Headers of Standard Webhooks, with one signature for each key.
 * https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
 * @param eventId the same for each repeat. A full stop would make the signed text ambiguous, so that it becomes `_`
 */
export function signedHeaders(
  eventId: string,
  at: Date,
  body: string,
  { owner, keys }: { readonly owner: Principal; readonly keys: CallbackKeys },
): Record<string, string> {
  const id = eventId.replaceAll('.', '_');
  const timestamp = String(Math.floor(at.getTime() / 1000));
  const sign = (key: Uint8Array) =>
    createHmac('sha256', derived(owner, key)).update(`${id}.${timestamp}.${body}`).digest('base64');
  return {
    'webhook-id': id,
    'webhook-timestamp': timestamp,
    'webhook-signature': keys.map((key) => `v1,${sign(key)}`).join(' '),
  };
}
