import type { Principal } from './principal.ts';

export type Scope = 'read' | 'write';

/** Who sends a request, as far as its token proves. */
export interface Caller {
  /** Owns what it uploads. */
  readonly principal: Principal;
  /** Everything it may act as: itself and its groups. */
  readonly principals: ReadonlySet<Principal>;
  readonly scopes: ReadonlySet<Scope>;
}

/** What access is decided on. */
export interface Owned {
  readonly owner: Principal;
  readonly viewers: readonly Principal[];
}

/** Alone may add to it, take it back, and say who else may see it. */
export function owns(caller: Caller, file: Owned): boolean {
  return caller.principal === file.owner;
}

export function mayView(caller: Caller, file: Owned): boolean {
  return owns(caller, file) || file.viewers.some((viewer) => caller.principals.has(viewer));
}
