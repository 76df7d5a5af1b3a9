import { lengthOf } from '../../shared/files/parts.ts';
import { Problem } from '../../shared/http/problems.ts';
import type { RequestContext } from '../../shared/http/service.ts';
import type { Progress } from './append.ts';
import type { Checksum } from './checksum.ts';
import type { ClaimedDigest } from './headers/digest-fields.ts';
import { bodyBytes, inconsistent, uploadLimit } from './resumable-headers.ts';
import { appendBody, hasBody, type Standing } from './tus-body.ts';
import { declare } from './tus-length.ts';
import type { Tus } from './uploads.ts';

/** The body of one request of an upload. */
interface UploadPart {
  /** Whether the file ends with it. */
  readonly complete: boolean;
  /** Bytes of the whole, where they are known. */
  readonly length: number | undefined;
  readonly digests: readonly ClaimedDigest[];
}

/**
 * Adds a body to an upload, and completes it where the client says so: its length is written down, by which every
 * process knows that the parts are a file (docs/adr/0015).
 * @throws {Problem}
 */
export async function receivePart(
  tus: Tus,
  context: RequestContext,
  progress: Progress,
  { complete, length, digests }: UploadPart,
): Promise<Standing> {
  const atMost = {
    ...tus,
    terms: { ...tus.terms, maxBytes: Math.min(length ?? Infinity, tus.terms.maxBytes) },
  };
  const begun = complete ? await declare(tus, progress, length) : progress;
  const size = bodyBytes(context.request);
  const checksum = checksumOf(digests);
  const chunk = hasBody(context.request) ? { size, checksum } : undefined;
  const now = await appendBody(atMost, context, begun, chunk).catch((error: unknown) => {
    const isMismatch = error instanceof Problem && error.type === 'upload-checksum';
    throw isMismatch ? new Problem('digest-mismatch', { detail: 'None of the bytes was kept.' }) : error;
  });
  if (!complete || !now.progress) return now;
  const { end } = now.progress.chain;
  if ((knownLength(now.progress) ?? end) !== end) throw inconsistent();
  return appendBody(tus, context, await declare(tus, now.progress, end));
}

function checksumOf([claim]: readonly ClaimedDigest[]): Checksum | undefined {
  if (!claim) return undefined;
  const algorithm = claim.algorithm === 'sha-256' ? 'sha256' : 'sha512';
  return { algorithm, digest: Buffer.from(claim.digest) };
}

/** The length of an upload as far as it is known, whether it completes it or not. */
export function knownLength({ record: { upload }, chain }: Progress): number | undefined {
  return lengthOf(upload, chain) ?? upload.announced;
}

/** How far an upload is. */
export function offsetHeaders(tus: Tus, { record, chain }: Progress): Record<string, string> {
  return {
    'upload-complete': '?0',
    'upload-offset': String(chain.end),
    ...uploadLimit(tus, record.upload.expiresAt),
  };
}
