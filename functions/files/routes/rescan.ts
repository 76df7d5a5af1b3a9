import { rescanRequest } from '../../../shared/events/rescan-request.ts';
import { toHandle } from '../../../shared/files/handle.ts';
import { authenticate } from '../../../shared/http/authenticate.ts';
import { requireReadable } from '../../../shared/http/outcome.ts';
import { Problem } from '../../../shared/http/problems.ts';
import { sendHandle } from '../../../shared/http/respond.ts';
import { locate } from '../download.ts';
import type { Files } from '../files.ts';
import { findFile, ownerOrAdministrator } from '../find.ts';
import type { Route } from '../router.ts';

/**
 * Asks for a scan of the content of a clean file by the signatures of today: docs/adr/0034. Again is fine, since a content that was
 * scanned meanwhile, or by the same signatures, is not scanned again.
 */
export function postRescan(files: Files): Route {
  return async ({ request, response, signal, log, span }, id) => {
    const caller = await authenticate(files.tokens, request, 'write', 'admin');
    const { record } = await findFile(files, caller, id, ownerOrAdministrator, signal);
    const readable = requireReadable(record);
    if (!files.requestRescan) throw new Problem('unavailable', { detail: 'RESCAN_TOPIC is not set.' });
    // An accepted file cannot be scanned, by whatever signatures.
    if (readable.state !== 'clean')
      throw new Problem('file-unscannable', { members: { reason: readable.reason } });
    const blob = await locate(files, readable, signal);
    await files.requestRescan(rescanRequest(blob, files.now()), span);
    log.info({ fileId: record.id, caller: caller.principal }, 're-scan requested');
    sendHandle(response, 202, toHandle(record, files.filesUrl, { forOwner: true }));
  };
}
