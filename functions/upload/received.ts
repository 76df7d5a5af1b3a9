import type { ServerResponse } from 'node:http';
import { asOf } from '../../shared/files/ends.ts';
import { fileUrl } from '../../shared/files/file-url.ts';
import type { FileRecord } from '../../shared/files/record.ts';
import { requireReadable } from '../../shared/http/outcome.ts';
import { sendHandle } from '../../shared/http/respond.ts';
import type { RequestContext } from '../../shared/http/service.ts';
import { waitForVerdict } from '../../shared/http/wait-for-verdict.ts';
import type { Uploads } from './uploads.ts';
import { handleOf } from './validate-upload.ts';

/** Answers an upload whose bytes are all there. @throws {Problem} where the file turned out not to be clean meanwhile */
export async function answerReceived(
  { terms, records, polls, now }: Uploads,
  { response, signal }: RequestContext,
  received: FileRecord,
  seconds: number,
): Promise<void> {
  // Set here, so that a problem carries it too: it may be about a file that there is.
  response.setHeader('location', fileUrl(terms.filesUrl, received.id));
  // A caller with too many of them waiting is answered at once, which it has to expect anyway.
  using poll = seconds > 0 ? polls.take(received.owner) : undefined;
  const waitSeconds = poll ? seconds : 0;
  // Its end may have come while it was sent.
  const record = await waitForVerdict(records, asOf(received, now()), waitSeconds, signal);
  const headers: Record<string, string> = poll ? { 'preference-applied': `wait=${waitSeconds}` } : {};
  if (record.state === 'pending')
    sendHandle(response, 202, handleOf(record, terms), { ...headers, 'retry-after': '1' });
  else sendHandle(response, 201, handleOf(requireReadable(record), terms), headers);
}

/** Says before anything else can go wrong that the answer is about the file, and no more about its upload. */
export function sayComplete(response: ServerResponse, record: FileRecord): void {
  response.setHeader('upload-complete', '?1');
  const size = sizeOf(record);
  if (size !== undefined) response.setHeader('upload-offset', String(size));
}

/** Bytes of a file that is complete. */
export function sizeOf(record: FileRecord): number | undefined {
  const claims = record.state === 'pending' ? record.claims : undefined;
  return record.content?.size ?? claims?.size;
}
