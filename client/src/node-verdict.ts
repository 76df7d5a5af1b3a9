import { createHash, createPublicKey, type KeyObject, verify, type webcrypto } from 'node:crypto';
import { FileshareIntegrityError } from './errors.ts';
import type { VerdictEnvelope, VerdictStatement } from './verdict.ts';

const STATEMENT_TYPE = 'https://in-toto.io/Statement/v1';
const PAYLOAD_TYPE = 'application/vnd.in-toto+json';
const PREDICATE_PATH = '/schemas/verdict.v1.json';

/** The answer of `/.well-known/jwks.json` of a deployment. */
export interface VerdictKeys {
  /** JSON Web Keys. */
  readonly keys: readonly object[];
}

/**
 * Checks offline that a deployment signed this statement, and that it is about these bytes. Whether its verdict is `clean`, the
 * caller looks up in `predicate`.
 * @param statement text of an envelope of DSSE, or a JWS
 * @param keys of the deployment, from a source that is trusted
 * @throws {FileshareIntegrityError} where anything differs, and whatever reading `bytes` throws
 */
export async function verifyVerdict(
  statement: string,
  keys: VerdictKeys,
  bytes: AsyncIterable<Uint8Array>,
): Promise<VerdictStatement> {
  const opened = openStatement(statement, keys);
  const [subject] = opened.subject;
  const { size } = opened.predicate;
  const hash = createHash('sha256');
  let length = 0;
  for await (const piece of bytes) {
    hash.update(piece);
    length += piece.length;
  }
  const sha256 = hash.digest('hex');
  if (length !== size || sha256 !== subject.digest.sha256) {
    throw new FileshareIntegrityError(
      `The statement is about other bytes: ${size} with SHA-256 ${subject.digest.sha256}, not ${length} with ${sha256}`,
    );
  }
  return opened;
}

function openStatement(text: string, { keys }: VerdictKeys): VerdictStatement {
  const { payload, signed, signatures, encoding } = parsed(text.trim());
  const isSigned = keys
    .flatMap(publicKey)
    .some((key) => signatures.some((sig) => verify('sha256', signed, { key, dsaEncoding: encoding }, sig)));
  if (!isSigned) throw new FileshareIntegrityError('The statement is not signed with any of these keys');
  const statement = parseJson<Partial<VerdictStatement>>(payload.toString());
  const { _type, subject, predicateType, predicate } = statement ?? {};
  const isVerdict =
    _type === STATEMENT_TYPE &&
    predicateType?.endsWith(PREDICATE_PATH) &&
    subject?.length === 1 &&
    subject[0].name === predicate?.fileId;
  if (!isVerdict)
    throw new FileshareIntegrityError(
      'The signature is good, but of something else than a statement about a verdict',
    );
  return statement as VerdictStatement;
}

interface Parsed {
  readonly payload: Buffer;
  /** Bytes that the signatures are over. */
  readonly signed: Buffer;
  readonly signatures: readonly Buffer[];
  readonly encoding: 'der' | 'ieee-p1363';
}

/** The ids of keys are hints, and not looked at: each of the keys is tried. */
function parsed(text: string): Parsed {
  const parts = text.split('.');
  const found = text.startsWith('{')
    ? envelope(parseJson(text))
    : parts.length === 3
      ? jws(parts)
      : undefined;
  if (!found)
    throw new FileshareIntegrityError(`This is neither an envelope of DSSE nor a JWS of ${PAYLOAD_TYPE}`);
  return found;
}

/** https://github.com/secure-systems-lab/dsse/blob/master/protocol.md */
function envelope(members: Partial<VerdictEnvelope> | undefined): Parsed | undefined {
  const { payloadType, payload: base64, signatures = [] } = members ?? {};
  if (payloadType !== PAYLOAD_TYPE || typeof base64 !== 'string' || !Array.isArray(signatures))
    return undefined;
  const payload = Buffer.from(base64, 'base64');
  const head = `DSSEv1 ${payloadType.length} ${payloadType} ${payload.length} `;
  return {
    payload,
    signed: Buffer.concat([Buffer.from(head), payload]),
    signatures: signatures.map(({ sig }) => Buffer.from(String(sig), 'base64')),
    encoding: 'der',
  };
}

/** RFC 7515, with the one algorithm and the one kind of content that there are here. */
function jws([head = '', body = '', signature = '']: readonly string[]): Parsed | undefined {
  const header = parseJson<Record<string, unknown>>(Buffer.from(head, 'base64url').toString());
  if (header?.['alg'] !== 'ES256' || `application/${header['cty']}` !== PAYLOAD_TYPE || header['crit'])
    return undefined;
  return {
    payload: Buffer.from(body, 'base64url'),
    signed: Buffer.from(`${head}.${body}`),
    signatures: [Buffer.from(signature, 'base64url')],
    encoding: 'ieee-p1363',
  };
}

/** A key set may have keys of other kinds, which sign something else. */
function publicKey(listed: object): KeyObject[] {
  const jwk: webcrypto.JsonWebKey = listed;
  if (jwk.kty !== 'EC' || jwk.crv !== 'P-256') return [];
  try {
    return [createPublicKey({ key: jwk, format: 'jwk' })];
  } catch {
    return [];
  }
}

function parseJson<T>(text: string): T | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as T) : undefined;
  } catch {
    return undefined;
  }
}
