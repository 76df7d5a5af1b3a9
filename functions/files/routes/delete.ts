import { authenticate } from '../../../shared/http/authenticate.ts';
import { sendEmpty } from '../../../shared/http/respond.ts';
import type { Files } from '../files.ts';
import { findFile, ownerOrAdministrator } from '../find.ts';
import { ifMatchOf } from '../headers/if-match.ts';
import type { Route } from '../router.ts';
import { withdraw } from '../withdraw.ts';

export function deleteFile(files: Files): Route {
  return async ({ request, response, signal, log }, id) => {
    const caller = await authenticate(files.tokens, request, 'write', 'admin');
    const ifMatch = ifMatchOf(request.headers['if-match']);
    const { record } = await findFile(files, caller, id, ownerOrAdministrator, signal);
    await withdraw(files, record.id, ifMatch);
    log.info({ fileId: record.id, caller: caller.principal }, 'file deleted');
    sendEmpty(response, 204);
  };
}
