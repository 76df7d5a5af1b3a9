import { Problem } from '../../../shared/http/problems.ts';
import type { BorrowedBytes } from '../../../shared/runtime/memory.ts';
import { areCompatible } from './media-families.ts';
import { essence, type MediaPolicy, requireNotDenied } from './media-policy.ts';

/** Bytes that file-type wants to see of a file. */
export const SAMPLE_BYTES = 4100;

const TEXT =
  /^text\/|\+(xml|json|yaml)$|^application\/(xml|json|yaml|x-yaml|sql|javascript|x-ndjson|graphql)$/;
/** Binary data bytes of https://mimesniff.spec.whatwg.org/#binary-data-byte: no text has them. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const BINARY = /[\x00-\x08\x0b\x0e-\x1a\x1c-\x1f]/;

/**
 * Formats without a tag at the front are known by eleven bits alone: one of 2 000 encrypted files would pass for one.
 */
const FRAMED_AUDIO = new Set(['audio/mpeg', 'audio/aac']);
const TAG = Buffer.from('ID3');

/**
 * Passes bytes on, and looks at the first of them where the policy wants it: one copy of {@link SAMPLE_BYTES}, the
 * rest goes by.
 * @throws {Problem} `media-type-mismatch` where they are not what `contentType` says, `media-type-not-allowed` where
 *   they are what nobody may send; at once, and at the latest with the last byte
 */
export function sniffed(
  bytes: AsyncIterable<BorrowedBytes>,
  contentType: string,
  policy: MediaPolicy,
): AsyncIterable<BorrowedBytes> {
  return policy.sniff ? lookedAt(bytes, contentType, policy) : bytes;
}

async function* lookedAt(
  bytes: AsyncIterable<BorrowedBytes>,
  contentType: string,
  policy: MediaPolicy,
): AsyncGenerator<BorrowedBytes> {
  const sample = Buffer.alloc(SAMPLE_BYTES);
  let length = 0;
  for await (const piece of bytes) {
    if (length < SAMPLE_BYTES) {
      const taken = piece.subarray(0, SAMPLE_BYTES - length);
      sample.set(taken, length);
      length += taken.length;
      if (length === SAMPLE_BYTES) await requireCandid(sample, contentType, policy);
    }
    yield piece;
  }
  if (length < SAMPLE_BYTES) await requireCandid(sample.subarray(0, length), contentType, policy);
}

async function requireCandid(sample: Buffer, contentType: string, policy: MediaPolicy): Promise<void> {
  const found = await typeOf(sample);
  if (found === undefined) return;
  requireNotDenied(policy, found);
  const declared = essence(contentType);
  if (declared === 'application/octet-stream' || areCompatible(declared, found)) return;
  // Any text may begin with the letters that some binary format begins with.
  if (TEXT.test(declared) && !BINARY.test(sample.toString('latin1'))) return;
  throw new Problem('media-type-mismatch', {
    detail: `The Content-Type says ${declared}, the bytes are ${found}.`,
    members: { declared, found },
  });
}

/** Type without parameters, undefined where the bytes are of no type that is known, as text is. */
async function typeOf(sample: Buffer): Promise<string | undefined> {
  // Loaded when first used: most deployments do not, and it would be paid at every cold start.
  const { fileTypeFromBuffer } = await import('file-type');
  const found = await fileTypeFromBuffer(sample).catch(() => undefined);
  const type = found?.mime.toLowerCase().replace(/;.*/, '');
  if (type !== undefined && FRAMED_AUDIO.has(type) && sample.indexOf(TAG) !== 0) return undefined;
  return type;
}
