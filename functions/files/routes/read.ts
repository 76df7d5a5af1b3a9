import { authenticate } from '../../../shared/http/authenticate.ts';
import type { Files } from '../files.ts';
import { findFile, ownerOrViewer } from '../find.ts';
import { sendFile } from '../read.ts';
import type { Route } from '../router.ts';

export function getFile(files: Files): Route {
  return async (exchange, id) => {
    const { request, signal } = exchange;
    const caller = await authenticate(files.tokens, request, 'read');
    const { record } = await findFile(files.records, caller, id, ownerOrViewer, signal);
    await sendFile(files, exchange, { method: request.method === 'HEAD' ? 'HEAD' : 'GET', record });
  };
}
