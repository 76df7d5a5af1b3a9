import { rescanRequest } from '../../shared/events/rescan-request.ts';
import { isOfAScan } from '../../shared/files/finding.ts';
import type { Findings } from '../../shared/files/findings.ts';
import { parseSha256, type Sha256 } from '../../shared/files/record.ts';
import type { Bucket } from '../../shared/storage/bucket.ts';
import type { StoredObject } from '../../shared/storage/object.ts';
import type { Contents } from './send-rescans.ts';

/** The digest that an object in quarantine has by its metadata or its name; undefined where nobody noted it. */
export function quarantinedDigest({ name, metadata }: StoredObject): Sha256 | undefined {
  return parseSha256(metadata['sha256'] ?? name.replace(/^sha256\//, ''));
}

/**
 * The contents of quarantine in which a scan found something: what an operator has condemned, and what could not be scanned, is left out.
 * @param database the version of the signature database that found it; absent for any
 */
export function quarantinedContents(
  quarantine: Bucket,
  findings: Pick<Findings, 'get'>,
  database?: number,
): Contents<'other'> {
  return {
    bucket: quarantine,
    prefix: '',
    ranges: [{ from: '', to: undefined }],
    requestFor: async (object, dueAt) => {
      const sha256 = quarantinedDigest(object);
      const known = sha256 && (await findings.get(sha256));
      if (!known || !isOfAScan(known)) return 'other';
      if (database !== undefined && known.finding.engine.database !== database) return 'other';
      return rescanRequest(object, dueAt, sha256);
    },
  };
}
