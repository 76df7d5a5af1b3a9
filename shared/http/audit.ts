import type { IncomingMessage, ServerResponse } from 'node:http';
import { type FileId, parseFileId } from '../files/file-id.ts';
import type { Caller } from '../identity/caller.ts';
import type { Principal } from '../identity/principal.ts';
import type { Logger } from '../runtime/log.ts';
import type { ProblemType } from './problems.ts';

/** The requested operation. `unknown` where no route was found. */
export type Action =
  | 'upload'
  | 'read'
  | 'status'
  | 'verdict'
  | 'list'
  | 'viewers'
  | 'grant'
  | 'share'
  | 'revoke'
  | 'expire'
  | 'unexpire'
  | 'receipts'
  | 'references'
  | 'refer'
  | 'unrefer'
  | 'delete'
  | 'contract'
  | 'scan'
  | 'sweep'
  | 'collect'
  | 'deadLetter'
  | 'redrive'
  | 'rescan'
  | 'audit'
  | 'export'
  | 'restore'
  | 'owner'
  | 'erase'
  | 'hunt'
  | 'release'
  | 'condemn'
  | 'quarantine'
  | 'notify'
  | 'intake'
  | 'notice'
  | 'adopt'
  | 'unknown';

/**
 * The caller and the operation, as far as a request has come. Handlers fill it in; one line is written of it when the
 * request is over. It has no place for a file name, a token, a path or a query string.
 */
export interface Audit {
  action: Action;
  /** The file that was asked for, be it the caller's or not, once it has the shape of an id. */
  fileId?: FileId;
  /** Principal as the token proves it; absent where there is no good token. */
  principal?: Principal;
  /** Issuer of the token: names, never the token itself. */
  issuer?: string;
  tokenId?: string;
  /** The principal of a grant or revocation. */
  viewer?: Principal;
  /** The principals that several grants and revocations in one request are about. */
  granted?: readonly Principal[];
  revoked?: readonly Principal[];
  problem?: ProblemType;
  /** Bytes of the content, handed to the connection so far; reads alone. */
  bytes?: number;
}

const audits = new WeakMap<IncomingMessage, Audit>();

/** The audit of a request: one and the same, for every caller. */
export function auditOf(request: IncomingMessage): Audit {
  const known = audits.get(request);
  if (known) return known;
  const audit: Audit = { action: 'unknown' };
  audits.set(request, audit);
  return audit;
}

/** Notes whose token it is. */
export function auditCaller(audit: Audit, { principal, issuer, tokenId }: Caller): void {
  audit.principal = principal;
  audit.issuer = issuer;
  if (tokenId !== undefined) audit.tokenId = tokenId;
}

/** Notes the id in a path `/files/{id}...` or `/uploads/{id}`. Other values may hold anything, and are left out. */
export function auditPath(audit: Audit, path: string): void {
  const id = parseFileId(/^\/(?:files|uploads)\/([^/]+)/.exec(path)?.[1] ?? '');
  if (id) audit.fileId = id;
}

/**
 * Writes the line of a request that is over. `status` is absent where no answer was sent, and `complete` says whether
 * all of the answer was handed to the connection. It is written whatever `LOG_LEVEL` says.
 */
export function writeAudit(log: Logger, audit: Audit, response: ServerResponse): void {
  const status = response.headersSent ? response.statusCode : undefined;
  const line = { ...audit, status, complete: response.writableFinished };
  // Not always a child: it is made with the logger of the request as its prototype, which V8 keeps until it marks the heap.
  const audible = log.isLevelEnabled('info') ? log : log.child({}, { level: 'info' });
  audible.info({ audit: line }, 'audit');
}
