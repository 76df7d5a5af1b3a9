import { timingSafeEqual } from 'node:crypto';
import { type ParseError, parseDictionary } from 'structured-headers';
import { parseSha256, type Sha256 } from '../../../shared/files/record.ts';
import { MAX_FIELD_LENGTH } from '../../../shared/http/list.ts';
import { invalidRequest, Problem } from '../../../shared/http/problems.ts';

/** Bytes of a digest, of each algorithm that is checked. Others of RFC 9530's registry are broken or rare. */
const LENGTHS = { 'sha-256': 32, 'sha-512': 64 } as const;

type DigestAlgorithm = keyof typeof LENGTHS;

/** A digest that a client says its bytes have. */
export interface ClaimedDigest {
  readonly algorithm: DigestAlgorithm;
  readonly digest: Uint8Array;
}

/**
 * The digests that `Repr-Digest` or `Content-Digest` claims (RFC 9530 sections 2 and 3); where a body is whole and has
 * no content coding, both mean the same bytes. Algorithms that are not known are ignored, as section 2 wants it.
 * @param header several lines joined by commas
 * @throws {Problem} where it is no dictionary (RFC 9651 section 3.2), or a digest is none of its algorithm
 */
export function claimedDigests(name: string, header: string | undefined): ClaimedDigest[] {
  const claims: ClaimedDigest[] = [];
  for (const [algorithm, [value]] of dictionary(name, header)) {
    if (!isKnown(algorithm)) continue;
    if (!(value instanceof ArrayBuffer) || value.byteLength !== LENGTHS[algorithm]) {
      throw malformed(name, `${algorithm} is not the Base64 of ${LENGTHS[algorithm]} bytes between colons`);
    }
    claims.push({ algorithm, digest: new Uint8Array(value) });
  }
  return claims;
}

/** @throws {Problem} `digest-mismatch` where the bytes that arrived have another digest than was claimed */
export function requireDigest({ algorithm, digest }: ClaimedDigest, actual: Uint8Array): void {
  if (digest.length === actual.length && timingSafeEqual(digest, actual)) return;
  throw new Problem('digest-mismatch', {
    detail: `The ${algorithm} of the received bytes does not match the announced one.`,
    members: { algorithm, expected: byteSequence(digest), actual: byteSequence(actual) },
  });
}

function dictionary(name: string, header: string | undefined): ReturnType<typeof parseDictionary> {
  if (header !== undefined && header.length > MAX_FIELD_LENGTH) throw malformed(name, 'it is too long');
  try {
    return parseDictionary(header ?? '');
  } catch (error) {
    throw malformed(name, (error as ParseError).message);
  }
}

function isKnown(algorithm: string): algorithm is DigestAlgorithm {
  return Object.hasOwn(LENGTHS, algorithm);
}

function malformed(name: string, why: string): Problem {
  return invalidRequest(`The ${name} cannot be read: ${why}. Write it as ${name}: sha-256=:<Base64>:`);
}

/** Formats bytes as a structured field does (RFC 9651 section 4.1.8). */
function byteSequence(bytes: Uint8Array): string {
  return `:${Buffer.from(bytes).toString('base64')}:`;
}

/**
 * The SHA-256 of a file that is sent in several requests, as its `Repr-Digest` claims it.
 * @throws {Problem} where that has other digests alone: no other can be continued in another process
 */
export function claimedWhole(header: string | undefined): Sha256 | undefined {
  const claims = claimedDigests('Repr-Digest', header);
  const sha256 = claimedSha256(claims);
  if (sha256 || claims.length === 0) return sha256;
  throw invalidRequest('Send the sha-256 of the file in Repr-Digest.');
}

/** The SHA-256 among claims. */
export function claimedSha256(claims: readonly ClaimedDigest[]): Sha256 | undefined {
  const claim = claims.find(({ algorithm }) => algorithm === 'sha-256');
  return claim && parseSha256(Buffer.from(claim.digest).toString('hex'));
}
