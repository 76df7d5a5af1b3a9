import type { Handle } from '../../../../client/src/index.ts';
import type { TrackedFile } from './tracked-file.ts';
import { moment } from './words.ts';

/** Why nobody gets a file, and what its owner can do about it; empty where there is nothing to explain. */
export function explanation({ handle, receipts = [], session }: TrackedFile): string {
  if (handle?.state !== 'infected') return releaseOf(handle);
  const { recalledAt, signature, owner } = handle;
  const isOwner = owner === session.principal;
  const after =
    recalledAt && `Recalled ${moment(recalledAt)}: it was clean until newer signatures were asked.`;
  const readers = [...new Set(receipts.map(({ principal }) => principal))].filter(
    (reader) => reader !== owner,
  );
  const told = recalledAt && readers.length > 0 && `Tell those who have it: ${readers.join(', ')}.`;
  const wrong =
    'If you are sure that this is wrong, ask an operator to release its SHA-256; else delete it, and look where it came from.';
  return [after, `Nobody gets this file: ClamAV found ${signature} in it.`, told, isOwner && wrong]
    .filter(Boolean)
    .join('\n');
}

function releaseOf(handle: Handle | undefined): string {
  const released = handle?.state === 'clean' ? handle.released : undefined;
  if (!released) return '';
  return `Released ${moment(released.at)} by ${released.by}: ${released.reason}`;
}
