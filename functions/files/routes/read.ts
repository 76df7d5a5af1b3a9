import { pipeline } from 'node:stream/promises';
import { authenticate } from '../../../shared/http/authenticate.ts';
import { requireReadable } from '../../../shared/http/outcome.ts';
import { sendHead } from '../../../shared/http/respond.ts';
import type { Route } from '../../../shared/http/router.ts';
import { openDownload } from '../download.ts';
import type { Files } from '../files.ts';
import { findFile, ownerOrViewer } from '../find.ts';

export function getFile({ tokens, records, blobs }: Files): Route {
  return async ({ request, response, signal, log }, id) => {
    const method = request.method === 'HEAD' ? 'HEAD' : 'GET';
    const caller = await authenticate(tokens, request, 'read');
    const found = await findFile(records, caller, id, ownerOrViewer, signal);
    const record = requireReadable(found.record);
    const ifRange = request.headers['if-range'];
    const wanted = {
      method,
      range: request.headers.range,
      ifRange: typeof ifRange === 'string' ? ifRange : undefined,
    } as const;
    const download = await openDownload(blobs, record, wanted, signal);
    sendHead(response, download.status, download.headers);
    if (method === 'HEAD') response.end();
    else await pipeline(download.bytes, response, { signal });
    log.info({ fileId: record.id, caller: caller.principal, status: download.status }, 'file read');
  };
}
