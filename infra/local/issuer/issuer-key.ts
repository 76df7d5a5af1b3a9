import { generateKeyPairSync } from 'node:crypto';
import { calculateJwkThumbprint, importJWK, type JWK } from 'jose';
import { localSecret } from '../keys/local-secret.ts';

/** The development issuer's ES256 key pair; `publicJwk` is what its JWKS shows. */
export interface IssuerKey {
  readonly kid: string;
  readonly publicJwk: JWK;
  readonly privateKey: Awaited<ReturnType<typeof importJWK>>;
}

/** The key kept in `folder`, made at the first call. */
export async function issuerKey(folder: string): Promise<IssuerKey> {
  const jwk = JSON.parse(localSecret(folder, 'issuer-key.json', newKey)) as JWK;
  const { d: _, ...publicPart } = jwk;
  const kid = await calculateJwkThumbprint(publicPart);
  const publicJwk = { ...publicPart, kid, alg: 'ES256', use: 'sig' };
  return { kid, publicJwk, privateKey: await importJWK(jwk, 'ES256') };
}

function newKey(): string {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return JSON.stringify(privateKey.export({ format: 'jwk' }));
}
