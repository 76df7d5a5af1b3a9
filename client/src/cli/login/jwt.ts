import {
  constants,
  createHash,
  createPrivateKey,
  type KeyObject,
  randomUUID,
  sign,
  X509Certificate,
} from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { UsageError } from '../exit.ts';
import type { Profile } from './profile.ts';

/** Seconds: Maskinporten takes 120 at most. */
const LIFETIME_SECONDS = 100;

const CURVES: Readonly<Record<string, string>> = {
  prime256v1: 'ES256',
  secp384r1: 'ES384',
  secp521r1: 'ES512',
};

/** A key that assertions are signed with, and the header that names it. */
export interface SigningKey {
  readonly key: KeyObject;
  readonly header: Readonly<Record<string, string>> & { readonly alg: string };
}

/**
 * The key of a profile. With a certificate it is named by the thumbprint, as Entra ID wants it:
 * https://learn.microsoft.com/entra/identity-platform/certificate-credentials
 * @throws {UsageError} where the files are not that
 */
export async function signingKey({
  keyFile = '',
  keyId,
  certificateFile,
  algorithm,
}: Profile): Promise<SigningKey> {
  const text = await readFile(keyFile, 'utf8');
  const { key, kid = keyId } = privateKeyIn(text, keyFile);
  const certificate = certificateFile === undefined ? undefined : await certificateIn(certificateFile, key);
  const alg = algorithm ?? algorithmFor(key, certificate !== undefined);
  if (!alg || !isFit(key, alg))
    throw new UsageError(`${keyFile}: ${alg ?? 'no algorithm'} does not fit this key.`);
  const named = keyId ?? kid;
  return { key, header: { alg, typ: 'JWT', ...(named && { kid: named }), ...certificate } };
}

function privateKeyIn(text: string, path: string): { readonly key: KeyObject; readonly kid?: string } {
  try {
    if (!text.trimStart().startsWith('{')) return { key: createPrivateKey(text) };
    const jwk = JSON.parse(text) as Record<string, unknown>;
    const { kid } = jwk;
    const key = createPrivateKey({ key: jwk, format: 'jwk' });
    return { key, ...(typeof kid === 'string' && { kid }) };
  } catch {
    // The message of the parser may have parts of the key.
    throw new UsageError(
      `${path} has no private key: it should be PEM (PKCS #8) without a passphrase, or a JWK.`,
    );
  }
}

async function certificateIn(path: string, key: KeyObject): Promise<Readonly<Record<string, string>>> {
  const text = await readFile(path);
  let certificate: X509Certificate;
  try {
    certificate = new X509Certificate(text);
  } catch {
    throw new UsageError(`${path} has no certificate in PEM.`);
  }
  if (!certificate.checkPrivateKey(key))
    throw new UsageError(`${path}: the key is not that of this certificate.`);
  return { 'x5t#S256': createHash('sha256').update(certificate.raw).digest('base64url') };
}

function algorithmFor(
  { asymmetricKeyType, asymmetricKeyDetails }: KeyObject,
  hasCertificate: boolean,
): string | undefined {
  if (asymmetricKeyType === 'rsa') return hasCertificate ? 'PS256' : 'RS256';
  if (asymmetricKeyType === 'ed25519') return 'EdDSA';
  return CURVES[asymmetricKeyDetails?.namedCurve ?? ''];
}

function isFit(key: KeyObject, alg: string): boolean {
  if (key.asymmetricKeyType === 'rsa') return /^[RP]S(256|384|512)$/.test(alg);
  return alg === algorithmFor(key, false) || (key.asymmetricKeyType === 'ed25519' && alg === 'Ed25519');
}

/** A JWS in the compact serialization (RFC 7515), good for less than two minutes and once. */
export function signedJwt({ key, header }: SigningKey, claims: Readonly<Record<string, unknown>>): string {
  const iat = Math.floor(Date.now() / 1000);
  const payload = { ...claims, iat, exp: iat + LIFETIME_SECONDS, jti: randomUUID() };
  const signed = [header, payload]
    .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
    .join('.');
  const { alg } = header;
  const digest = alg.startsWith('Ed') ? null : `sha${alg.slice(2)}`;
  const padding = alg.startsWith('PS')
    ? { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST }
    : {};
  const signature = sign(digest, Buffer.from(signed), { key, dsaEncoding: 'ieee-p1363', ...padding });
  return `${signed}.${signature.toString('base64url')}`;
}

/** Claims of a JWT, not verified; undefined for a token that is none. */
export function claimsIn(token: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const claims: unknown = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString());
    return typeof claims === 'object' && claims !== null ? { ...claims } : undefined;
  } catch {
    return undefined;
  }
}
