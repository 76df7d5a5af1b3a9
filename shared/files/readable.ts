import type { Content, FileRecord } from './record.ts';

/** A record whose bytes may be downloaded. */
export type ReadableRecord = FileRecord & { readonly content: Content } & (
    | { readonly state: 'clean' }
    | { readonly state: 'unscannable'; readonly accepted: true }
  );

/**
 * Whether the bytes of a file may be downloaded: it is clean; or it could not be scanned, the policy of the deployment
 * accepts that, and its content is known. No other state allows a download.
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
