import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { calculateJwkThumbprint, exportJWK, generateKeyPair, importJWK, type JWK } from 'jose';

/** The development issuer's ES256 key pair; `publicJwk` is what its JWKS shows. */
export interface IssuerKey {
  readonly kid: string;
  readonly publicJwk: JWK;
  readonly privateKey: Awaited<ReturnType<typeof importJWK>>;
}

/** The key kept in `folder` (readable by its owner alone), made at the first call, also by two processes at once. */
export async function issuerKey(folder: string): Promise<IssuerKey> {
  const path = join(folder, 'issuer-key.json');
  const jwk: JWK = read(path) ?? (await create(path));
  const { d: _, ...publicPart } = jwk;
  const kid = await calculateJwkThumbprint(publicPart);
  const publicJwk = { ...publicPart, kid, alg: 'ES256', use: 'sig' };
  return { kid, publicJwk, privateKey: await importJWK(jwk, 'ES256') };
}

function read(path: string): JWK | undefined {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as JWK;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** A link does not replace: the first of two writers wins, and the other reads what the first wrote. */
async function create(path: string): Promise<JWK> {
  const { privateKey } = await generateKeyPair('ES256', { extractable: true });
  const jwk = await exportJWK(privateKey);
  const draft = `${path}.${process.pid}`;
  mkdirSync(join(path, '..'), { recursive: true });
  writeFileSync(draft, JSON.stringify(jwk), { mode: 0o600 });
  try {
    linkSync(draft, path);
    return jwk;
  } catch (error) {
    const first = read(path);
    if (first) return first;
    throw error;
  } finally {
    rmSync(draft, { force: true });
  }
}
