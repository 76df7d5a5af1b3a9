import type { Principal } from './principal.ts';

export const SCOPES = ['read', 'write', 'admin'] as const;
export type Scope = (typeof SCOPES)[number];

/** The sender of a request, as far as its token proves. */
export interface Caller {
  /** Owns what it uploads. */
  readonly principal: Principal;
  /** Everything it may act as: itself and its groups. */
  readonly principals: ReadonlySet<Principal>;
  readonly scopes: ReadonlySet<Scope>;
  /** Issuer of the token, for the audit log: who signed it. */
  readonly issuer: string;
  /** Id of the token, for the audit log: its `jti` or `uti`, which names it and is no key to anything. */
  readonly tokenId?: string;
}

/** The facts that access is decided on. */
export interface Owned {
  readonly owner: Principal;
  readonly viewers: readonly Principal[];
}

/** May see that the file exists, its status and, once clean, its bytes. */
export function mayView(caller: Caller, file: Owned): boolean {
  return mayChange(caller, file) || file.viewers.some((viewer) => caller.principals.has(viewer));
}

/** May grant and revoke viewers, name what refers to the file, and delete it: the owner alone, never a group. */
export function mayChange(caller: Caller, file: Owned): boolean {
  return caller.principal === file.owner;
}

/**
 * May see the status of any file, list files, revoke viewers and delete; not read bytes, nor grant, nor what only
 * an owner may. See docs/identity.md.
 */
export function mayAdminister(caller: Caller): boolean {
  return caller.scopes.has('admin');
}
