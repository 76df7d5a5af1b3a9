import type { StatementSigner } from './signer.ts';

export const ENVELOPE_MEDIA_TYPE = 'application/vnd.dsse.envelope.v1+json';
export const JOSE_MEDIA_TYPE = 'application/jose';

/** https://github.com/secure-systems-lab/dsse/blob/master/envelope.md */
export interface Envelope {
  readonly payloadType: string;
  /** Base64. */
  readonly payload: string;
  readonly signatures: readonly [{ readonly keyid: string; readonly sig: string }];
}

/** The bytes that DSSE signs: https://github.com/secure-systems-lab/dsse/blob/master/protocol.md */
export function preAuthEncoding(payloadType: string, payload: Uint8Array): Buffer {
  const head = `DSSEv1 ${Buffer.byteLength(payloadType)} ${payloadType} ${payload.length} `;
  return Buffer.concat([Buffer.from(head), payload]);
}

/** A payload in an envelope of DSSE; its signature is in DER, as openssl and cosign expect it. @throws what `signer` throws */
export async function toEnvelope(
  signer: StatementSigner,
  payloadType: string,
  payload: Buffer,
  signal?: AbortSignal,
): Promise<Envelope> {
  const keyid = await signer.keyId();
  const signature = await signer.sign(preAuthEncoding(payloadType, payload), signal);
  const sig = Buffer.from(signature).toString('base64');
  return { payloadType, payload: payload.toString('base64'), signatures: [{ keyid, sig }] };
}

/** A payload as a JWS in the compact serialization (RFC 7515). @throws what `signer` throws */
export async function toJws(
  signer: StatementSigner,
  payloadType: string,
  payload: Buffer,
  signal?: AbortSignal,
): Promise<string> {
  const { derToJose } = await import('ecdsa-sig-formatter');
  // Section 4.1.10: `cty` leaves out what all media types of that kind begin with.
  const cty = payloadType.replace(/^application\//, '');
  const header = { alg: 'ES256', kid: await signer.keyId(), typ: 'JOSE', cty };
  const input = `${Buffer.from(JSON.stringify(header)).toString('base64url')}.${payload.toString('base64url')}`;
  const signature = await signer.sign(Buffer.from(input), signal);
  return `${input}.${derToJose(Buffer.from(signature), 'ES256')}`;
}
