import { createHash } from 'node:crypto';
import type { Principal } from '../identity/principal.ts';
import { parseSha256, type Sha256 } from './record.ts';

/** Scope in which a content is stored and scanned once. See docs/adr/0009-collection.md. */
export type DeduplicationScope = 'global' | 'owner';

/** The parts of a blob's name. */
export interface Contents {
  readonly owner: Principal;
  readonly sha256: Sha256;
}

/** `blobs/` and this is the name of a blob. */
export type BlobKey = string;

export function anybodysKey(sha256: Sha256): BlobKey {
  return `sha256/${sha256}`;
}

/** The blob name of a content in this scope, whether it exists or not. */
export function blobKey(scope: DeduplicationScope, { owner, sha256 }: Contents): BlobKey {
  if (scope === 'global') return anybodysKey(sha256);
  return `sha256/${createHash('sha256').update(owner).digest('hex')}/${sha256}`;
}

/** The possible blob names of a file's content, in whichever scope it was found clean; `first` comes first. */
export function blobKeys(contents: Contents, first: DeduplicationScope = 'global'): readonly BlobKey[] {
  const scopes = first === 'global' ? (['global', 'owner'] as const) : (['owner', 'global'] as const);
  return scopes.map((scope) => blobKey(scope, contents));
}

/** The prefix of the names of all blobs. */
export const BLOBS_PREFIX = 'blobs/sha256/';

export function blobName(key: BlobKey): string {
  return `blobs/${key}`;
}

/** The key of a blob, by its name. */
export function keyOf(name: string): BlobKey {
  return name.slice(blobName('').length);
}

/** The digest in the name of a blob; undefined if it is not the name of a blob. */
export function digestOf(name: string): Sha256 | undefined {
  const [, digest = ''] = /^blobs\/sha256\/(?:[0-9a-f]{64}\/)?([0-9a-f]{64})$/.exec(name) ?? [];
  return parseSha256(digest);
}
