import type { IncomingHttpHeaders } from 'node:http';
import { ApiError } from '../api-error.ts';
import type { ServedOperation } from '../operation.ts';

const UPLOADS: readonly ServedOperation[] = ['objects.insert', 'resumable.start', 'resumable.chunk'];
const READS: readonly ServedOperation[] = ['objects.get', 'objects.getMedia'];
const MEDIA: readonly ServedOperation[] = ['objects.getMedia'];
const CHANGES: readonly ServedOperation[] = ['objects.patch', 'objects.update'];

/** Headers that choose a feature, and the operations that have it. https://cloud.google.com/storage/docs/xml-api/reference-headers */
const FEATURES: Readonly<Record<string, readonly ServedOperation[]>> = {
  'x-goog-hash': [...UPLOADS, 'resumable.query'],
  'if-match': [...READS, ...CHANGES],
  'if-none-match': [...READS, ...CHANGES],
  'if-modified-since': [],
  'if-unmodified-since': [],
  'if-range': MEDIA,
  'content-encoding': [],
  'x-http-method-override': [],
};

/** Name the client or the request, for logs and retries. https://cloud.google.com/apis/docs/system-parameters */
const WITHOUT_EFFECT =
  /^x-goog-(api-client|api-key|gcs-idempotency-token|request-reason|request-params|quota-user|custom-audit-.+)$/;

/**
 * Refuses a header that chooses a feature which is not supported, such as a customer-supplied encryption key: a client
 * must not believe that its data is encrypted with it.
 * @throws ApiError 400 | 411
 */
export function checkHeaders(operation: ServedOperation, method: string, headers: IncomingHttpHeaders): void {
  for (const name of Object.keys(headers)) {
    const supportedBy = FEATURES[name];
    if (supportedBy ? supportedBy.includes(operation) : !name.startsWith('x-goog-')) continue;
    if (supportedBy === undefined && WITHOUT_EFFECT.test(name)) continue;
    throw new ApiError(
      400,
      'invalidParameter',
      `Header ${name} of ${operation} is not supported by this emulator.`,
      {},
      { locationType: 'header', location: name },
    );
  }
  const framed = headers['content-length'] !== undefined || headers['transfer-encoding'] !== undefined;
  if (/^(POST|PUT|PATCH)$/.test(method) && !framed) {
    throw new ApiError(411, 'lengthRequired', 'You must provide the Content-Length HTTP header.');
  }
}
