import { createPublicKey, type KeyObject, verify, type webcrypto } from 'node:crypto';
import { FileshareIntegrityError } from './errors.ts';
import type { VerdictEnvelope } from './verdict.ts';

/** The answer of `/.well-known/jwks.json` of a deployment. */
export interface VerdictKeys {
  /** JSON Web Keys. */
  readonly keys: readonly object[];
}

/**
 * Opens what a deployment has signed, of one media type: a signature over another type is good for nothing here.
 * @param text an envelope of DSSE, or a JWS
 * @returns the JSON in it, whatever it says
 * @throws {FileshareIntegrityError}
 */
export function openSigned<T>(text: string, { keys }: VerdictKeys, type: string): T | undefined {
  const { payload, signed, signatures, encoding } = parsed(text.trim(), type);
  const isSigned = keys
    .flatMap(publicKey)
    .some((key) => signatures.some((sig) => verify('sha256', signed, { key, dsaEncoding: encoding }, sig)));
  if (!isSigned) throw new FileshareIntegrityError('The statement is not signed with any of these keys');
  return parseJson<T>(payload.toString());
}

interface Parsed {
  readonly payload: Buffer;
  /** Bytes that the signatures are over. */
  readonly signed: Buffer;
  readonly signatures: readonly Buffer[];
  readonly encoding: 'der' | 'ieee-p1363';
}

/** The ids of keys are hints, and not looked at: each of the keys is tried. */
function parsed(text: string, type: string): Parsed {
  const parts = text.split('.');
  const found = text.startsWith('{')
    ? envelope(parseJson(text), type)
    : parts.length === 3
      ? jws(parts, type)
      : undefined;
  if (!found) throw new FileshareIntegrityError(`This is neither an envelope of DSSE nor a JWS of ${type}`);
  return found;
}

/** https://github.com/secure-systems-lab/dsse/blob/master/protocol.md */
function envelope(members: Partial<VerdictEnvelope> | undefined, type: string): Parsed | undefined {
  const { payloadType, payload: base64, signatures = [] } = members ?? {};
  if (payloadType !== type || typeof base64 !== 'string' || !Array.isArray(signatures)) return undefined;
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
function jws([head = '', body = '', signature = '']: readonly string[], type: string): Parsed | undefined {
  const header = parseJson<Record<string, unknown>>(Buffer.from(head, 'base64url').toString());
  if (header?.['alg'] !== 'ES256' || `application/${header['cty']}` !== type || header['crit'])
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
