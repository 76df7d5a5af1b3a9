import { createHash, type KeyObject } from 'node:crypto';
import * as v from 'valibot';

/** A private key on P-256, wherever it is kept. */
export interface SigningKey {
  /** @throws where it cannot be had */
  publicKey(): Promise<KeyObject>;
  /** ECDSA with SHA-256, in DER. @throws {StorageError} where it cannot sign */
  sign(message: Uint8Array, signal?: AbortSignal): Promise<Uint8Array>;
}

const coordinate = v.pipe(v.string(), v.regex(/^[\w-]{43}$/, 'should be 32 bytes in Base64url'));
const publicJwk = v.object({
  kty: v.literal('EC'),
  crv: v.literal('P-256'),
  x: coordinate,
  y: coordinate,
});

/** Public keys of earlier times, as `/.well-known/jwks.json` listed them; further members are left out. */
export const retiredKeysSchema = v.object({ keys: v.array(publicJwk) });

type PublicJwk = v.InferOutput<typeof publicJwk>;
interface ListedJwk extends PublicJwk {
  readonly kid: string;
  readonly alg: 'ES256';
  readonly use: 'sig';
}

/** Signs with one key, and lists it with those that it follows. */
export class StatementSigner {
  readonly #key: SigningKey;
  readonly #retired: readonly PublicJwk[];

  constructor(key: SigningKey, retired: readonly PublicJwk[] = []) {
    this.#key = key;
    this.#retired = retired;
  }

  /** The id that the key set lists the signing key by. */
  async keyId(): Promise<string> {
    return thumbprint(await this.#publicJwk());
  }

  sign(message: Uint8Array, signal?: AbortSignal): Promise<Uint8Array> {
    return this.#key.sign(message, signal);
  }

  /** A JWK Set (RFC 7517 section 5), the signing key first. */
  async keySet(): Promise<{ readonly keys: readonly ListedJwk[] }> {
    const all = [await this.#publicJwk(), ...this.#retired];
    const byId = new Map(all.map((jwk) => [thumbprint(jwk), jwk]));
    return { keys: [...byId].map(([kid, jwk]) => ({ ...jwk, kid, alg: 'ES256', use: 'sig' })) };
  }

  async #publicJwk(): Promise<PublicJwk> {
    return v.parse(publicJwk, (await this.#key.publicKey()).export({ format: 'jwk' }));
  }
}

/** RFC 7638: the SHA-256 of the required members in alphabetical order. */
function thumbprint({ crv, kty, x, y }: PublicJwk): string {
  return createHash('sha256').update(JSON.stringify({ crv, kty, x, y })).digest('base64url');
}
