import type { Content, FileRecord } from './record.ts';

/** A record whose bytes may be handed out. */
export type ReadableRecord = FileRecord & { readonly content: Content } & (
    | { readonly state: 'clean' }
    | { readonly state: 'unscannable'; readonly accepted: true }
  );

/**
 * Whether the bytes of a file may be handed out: it is clean, or it could not be scanned, the policy of the deployment
 * accepts that, and its content is known. No other state hands out a byte.
 */
export function isReadable(record: FileRecord): record is ReadableRecord {
  switch (record.state) {
    case 'clean':
      return true;
    case 'unscannable':
      return record.accepted && record.content !== undefined;
    default:
      return false;
  }
}
