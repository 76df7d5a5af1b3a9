import { authenticate } from '../../../shared/http/authenticate.ts';
import { requireReadable } from '../../../shared/http/outcome.ts';
import { waitSecondsOf } from '../../../shared/http/prefer.ts';
import { Problem } from '../../../shared/http/problems.ts';
import { sendHandle, sendJson } from '../../../shared/http/respond.ts';
import { waitForVerdict } from '../../../shared/http/wait-for-verdict.ts';
import { toAttachment } from '../attachment.ts';
import { locate } from '../download.ts';
import type { Files } from '../files.ts';
import { anyoneWhoSees, findFile } from '../find.ts';
import { handleFor } from '../handle-for.ts';
import { prefersFhir } from '../headers/accept.ts';
import type { Route } from '../router.ts';

export function getStatus(files: Files): Route {
  const { tokens, records, filesUrl, polls, now } = files;
  return async ({ request, response, signal }, id) => {
    const caller = await authenticate(tokens, request, 'read', 'admin');
    const found = await findFile(files, caller, id, anyoneWhoSees, signal);
    const asked = waitSecondsOf(request.headers['prefer']);
    // A caller with too many of them waiting is answered at once, and asks again after Retry-After.
    using poll = asked > 0 ? polls.take(caller.principal) : undefined;
    const wait = poll ? asked : 0;
    const record = await waitForVerdict(records, found.record, wait, signal);
    // The grant may have ended while the caller waited.
    if (!anyoneWhoSees(caller, record, now())) throw new Problem('not-found');
    const headers = { vary: 'Accept', ...(wait > 0 && { 'preference-applied': `wait=${wait}` }) };
    if (filesUrl !== undefined && prefersFhir(request.headers.accept)) {
      const readable = requireReadable(record);
      // Malware may have been found in the content since: no resource is to refer to what nobody gets.
      await locate(files, readable, signal);
      const attachment = toAttachment(readable, filesUrl);
      sendJson(response, 200, 'application/fhir+json; fhirVersion=4.0', attachment, headers);
      return;
    }
    const handle = handleFor(caller, record, files);
    sendHandle(response, 200, handle, {
      ...headers,
      ...((record.state === 'pending' || record.state === 'uploading') && { 'retry-after': '1' }),
    });
  };
}
