import { authenticate } from '../../../shared/http/authenticate.ts';
import { viewsUntil } from '../../../shared/identity/caller.ts';
import type { Files } from '../files.ts';
import { findFile, ownerOrViewer } from '../find.ts';
import { sendFile } from '../read.ts';
import type { Route } from '../router.ts';

export function getFile(files: Files): Route {
  return async (context, id) => {
    const { request, signal } = context;
    const caller = await authenticate(files.tokens, request, 'read');
    const { record } = await findFile(files, caller, id, ownerOrViewer, signal);
    const method = request.method === 'HEAD' ? 'HEAD' : 'GET';
    const until = viewsUntil(caller, record, files.now());
    await sendFile(files, context, { method, record, reader: caller.principal, until });
  };
}
