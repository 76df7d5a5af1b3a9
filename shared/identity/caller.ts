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

/** A principal who may see a file. */
export interface Viewer {
  readonly principal: Principal;
  /** The end of that; absent where it has none. */
  readonly until?: Date;
}

/** The facts that access is decided on. */
export interface Owned {
  readonly owner: Principal;
  /** Some may be over. */
  readonly viewers: readonly Viewer[];
}

/** May see that the file exists, its status and, once clean, its bytes. */
export function mayView(caller: Caller, file: Owned, now: Date): boolean {
  return mayChange(caller, file) || grantsOf(caller, file, now).length > 0;
}

/** When the caller ceases to see a file that they see now: the last end of their grants. Absent where there is none. */
export function viewsUntil(caller: Caller, file: Owned, now: Date): Date | undefined {
  if (mayChange(caller, file)) return undefined;
  const ends = grantsOf(caller, file, now).map(({ until }) => until?.getTime() ?? Number.POSITIVE_INFINITY);
  const last = Math.max(...ends);
  return Number.isFinite(last) ? new Date(last) : undefined;
}

/** Whether a grant is not over yet. */
export function isLive({ until }: Viewer, now: Date): boolean {
  return until === undefined || now < until;
}

function grantsOf(caller: Caller, { viewers }: Owned, now: Date): readonly Viewer[] {
  return viewers.filter((viewer) => caller.principals.has(viewer.principal) && isLive(viewer, now));
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
