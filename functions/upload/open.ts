import type { ServerResponse } from 'node:http';
import { Problem } from '../../shared/http/problems.ts';
import type { Principal } from '../../shared/identity/principal.ts';
import type { Shares } from '../../shared/runtime/shares.ts';

/** Seconds: an upload that ends makes room, and nobody knows when. */
const RETRY_AFTER = '5';

/**
 * Takes a share of its owner for an upload whose body is about to be read; give it back once that is over. The answer
 * tells the quota (draft-ietf-httpapi-ratelimit-headers-10), of this instance.
 * @throws {Problem} `too-many-uploads` before a byte of the body is asked for
 */
export function openUpload(uploads: Shares, owner: Principal, response: ServerResponse): Disposable {
  const share = uploads.take(owner);
  response.setHeader('ratelimit-policy', `"uploads";q=${uploads.atMost};qu="concurrent-requests"`);
  response.setHeader('ratelimit', `"uploads";r=${uploads.left(owner)}`);
  if (share) return share;
  throw new Problem('too-many-uploads', {
    detail: `An owner may have ${uploads.atMost} uploads in progress. Retry when one has finished.`,
    headers: { 'retry-after': RETRY_AFTER },
  });
}
