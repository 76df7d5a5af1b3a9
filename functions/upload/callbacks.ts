import * as v from 'valibot';
import { admitCallback, type CallbackPolicy, type CallbackUrl } from '../../shared/files/callback-url.ts';
import { Problem } from '../../shared/http/problems.ts';
import { type Principal, parsePrincipal } from '../../shared/identity/principal.ts';
import { json } from '../../shared/runtime/config.ts';

/** The allowed callback URLs, and the default URL of each owner. */
export interface Callbacks extends CallbackPolicy {
  readonly owners: ReadonlyMap<Principal, CallbackUrl>;
}

/** `CALLBACK_OWNERS`: JSON, the URL of each principal. */
export const callbackOwners = v.optional(
  json(v.record(v.string(), v.string(), 'should be JSON, the URL of each principal')),
  '{}',
);

interface CallbackVariables {
  readonly CALLBACK_ORIGINS: readonly string[];
  readonly CALLBACK_OWNERS: Readonly<Record<string, string>>;
  readonly CALLBACK_LOOPBACK: boolean;
  readonly STORAGE_EMULATOR_HOST?: string | undefined;
}

/** @throws {Error} for an owner that is no principal, or a URL that no upload could name */
export function callbacksOf(config: CallbackVariables): Callbacks {
  const loopback = config.CALLBACK_LOOPBACK && config.STORAGE_EMULATOR_HOST !== undefined;
  const policy = { origins: config.CALLBACK_ORIGINS, loopback };
  const owners = Object.entries(config.CALLBACK_OWNERS).map(([name, text]) => {
    const owner = parsePrincipal(name);
    if (!owner) throw misconfigured(name, 'It is not a principal.');
    const admitted = admitCallback(text, policy);
    if ('refusal' in admitted) throw misconfigured(name, admitted.refusal);
    return [owner, admitted.url] as const;
  });
  return { ...policy, owners: new Map(owners) };
}

function misconfigured(owner: string, why: string): Error {
  return new Error(`Configuration: CALLBACK_OWNERS (${owner}) is not valid: ${why}`);
}

/** @throws {Problem} `callback-not-allowed` */
export function requireCallback(
  policy: CallbackPolicy,
  announced: string | undefined,
): CallbackUrl | undefined {
  if (announced === undefined) return undefined;
  const admitted = admitCallback(announced, policy);
  if ('url' in admitted) return admitted.url;
  throw new Problem('callback-not-allowed', { detail: admitted.refusal });
}

/** The callback URL of a file: from its upload, otherwise the default of its owner. @throws {Problem} */
export function callbackFor(
  callbacks: Callbacks,
  owner: Principal,
  announced: string | undefined,
): CallbackUrl | undefined {
  return requireCallback(callbacks, announced) ?? callbacks.owners.get(owner);
}
