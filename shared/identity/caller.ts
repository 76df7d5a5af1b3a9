import type { Principal } from './principal.ts';

export type Scope = 'read' | 'write';

/** Which token it was, for the audit log: names, never the token. */
export interface TokenOrigin {
  readonly issuer: string;
  /** `jti` (RFC 7519 section 4.1.7), where the issuer gives one. */
  readonly id?: string;
}

/** Who sends a request, as far as its token proves. */
export interface Caller {
  /** Owns what it uploads. */
  readonly principal: Principal;
  /** Everything it may act as: itself and its groups. */
  readonly principals: ReadonlySet<Principal>;
  readonly scopes: ReadonlySet<Scope>;
  readonly token?: TokenOrigin;
}

/** What access is decided on. */
export interface Owned {
  readonly owner: Principal;
  readonly viewers: readonly Principal[];
}

function owns(caller: Caller, file: Owned): boolean {
  return caller.principal === file.owner;
}

export function mayView(caller: Caller, file: Owned): boolean {
  return owns(caller, file) || file.viewers.some((viewer) => caller.principals.has(viewer));
}
