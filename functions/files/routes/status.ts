import { toHandle } from '../../../shared/files/handle.ts';
import { authenticate } from '../../../shared/http/authenticate.ts';
import { requireReadable } from '../../../shared/http/outcome.ts';
import { waitSecondsOf } from '../../../shared/http/prefer.ts';
import { sendHandle, sendJson } from '../../../shared/http/respond.ts';
import { waitForVerdict } from '../../../shared/http/wait-for-verdict.ts';
import { toAttachment } from '../attachment.ts';
import type { Files } from '../files.ts';
import { anyoneWhoSees, findFile, ownerOrAdministrator } from '../find.ts';
import { prefersFhir } from '../headers/accept.ts';
import type { Route } from '../router.ts';

export function getStatus({ tokens, records, filesUrl, polls }: Files): Route {
  return async ({ request, response, signal }, id) => {
    const caller = await authenticate(tokens, request, 'read', 'admin');
    const found = await findFile(records, caller, id, anyoneWhoSees, signal);
    const asked = waitSecondsOf(request.headers['prefer']);
    // A caller with too many of them waiting is answered at once, and asks again after Retry-After.
    using poll = asked > 0 ? polls.take(caller.principal) : undefined;
    const wait = poll ? asked : 0;
    const record = await waitForVerdict(records, found.record, wait, signal);
    const headers = { vary: 'Accept', ...(wait > 0 && { 'preference-applied': `wait=${wait}` }) };
    if (filesUrl !== undefined && prefersFhir(request.headers.accept)) {
      const attachment = toAttachment(requireReadable(record), filesUrl);
      sendJson(response, 200, 'application/fhir+json; fhirVersion=4.0', attachment, headers);
      return;
    }
    const handle = toHandle(record, filesUrl, { forOwner: ownerOrAdministrator(caller, record) });
    sendHandle(response, 200, handle, {
      ...headers,
      ...((record.state === 'pending' || record.state === 'uploading') && { 'retry-after': '1' }),
    });
  };
}
