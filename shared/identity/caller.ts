import type { Principal } from './principal.ts';

/** What a token lets its bearer do: with its own files and those shared with it, or with everybody's. */
export type Scope = 'read' | 'write' | 'admin';

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

function owns(caller: Caller, file: Owned): boolean {
  return caller.principal === file.owner;
}

/** Share it, say what refers to it, delete it. */
export function mayChange(caller: Caller, file: Owned): boolean {
  return owns(caller, file);
}

/** See what is known of any file, take access away and delete it; never read bytes or give access. */
export function mayAdminister(caller: Caller): boolean {
  return caller.scopes.has('admin');
}

export function mayView(caller: Caller, file: Owned): boolean {
  return owns(caller, file) || file.viewers.some((viewer) => caller.principals.has(viewer));
}
