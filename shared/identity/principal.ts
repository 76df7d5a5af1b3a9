import { createHash } from 'node:crypto';

declare const principal: unique symbol;
/** A principal: `org:889640782`, `app:<id>`, `user:<id or e-mail address>` or `group:<id>`. */
export type Principal = string & { readonly [principal]: true };

export const PRINCIPAL_TYPES = ['org', 'app', 'user', 'group'] as const;

/** Short enough that an owner and many viewers fit the 8 KiB of an object's metadata; no separator of ours inside. */
const SHAPE = /^(org|app|user|group):[A-Za-z0-9][A-Za-z0-9._@:+-]{0,127}$/;

export function parsePrincipal(text: unknown): Principal | undefined {
  return typeof text === 'string' && SHAPE.test(text) ? (text as Principal) : undefined;
}

/** SHA-256 of a principal in lower-case hex, for names of objects and ids of events. */
export function principalKey(principal: Principal): string {
  return createHash('sha256').update(principal).digest('hex');
}

/** The principal of a type for the id that a token holds; undefined where that is none. */
export function principalOf(type: (typeof PRINCIPAL_TYPES)[number], id: unknown): Principal | undefined {
  return typeof id === 'string' ? parsePrincipal(`${type}:${id}`) : undefined;
}

/**
 * The groups that a claim lists; what is no id is left out.
 * @param idOf the id for an entry of the claim, by the rule of its kind of issuer; undefined where it is none
 */
export function groupsOf(claim: unknown, idOf: (entry: unknown) => unknown): readonly Principal[] {
  if (!Array.isArray(claim)) return [];
  return claim.flatMap((entry) => principalOf('group', idOf(entry)) ?? []);
}
