import { jwtVerify, SignJWT } from 'jose';

/** Seconds; as Google's access tokens and identity tokens. */
export const TOKEN_SECONDS = 3600;

const ALGORITHM = 'HS256';
const ISSUER = 'https://accounts.google.com';
const ACCESS = 'access';
/** Verified tokens that are remembered; each is about a kilobyte. */
const REMEMBERED = 256;

interface Verified {
  readonly email: string;
  readonly audience: string;
  /** Milliseconds since 1970. */
  readonly expires: number;
}

/**
 * The tokens of local service accounts. In place of Google's keys there is one secret, which the parts of the local
 * platform share: anyone who has it may be any account.
 */
export class Tokens {
  readonly #secret: Uint8Array;
  readonly #verified = new Map<string, Verified>();

  constructor(secret: string) {
    this.#secret = new TextEncoder().encode(secret);
  }

  /** An OAuth 2 access token, for the emulators. */
  access(email: string): Promise<string> {
    return this.#sign({ email, aud: ACCESS });
  }

  /**
   * An OpenID Connect identity token, for services. Claims as Google's:
   * https://cloud.google.com/docs/authentication/token-types#id
   */
  identity(email: string, audience: string): Promise<string> {
    return this.#sign({ email, email_verified: true, azp: email, aud: audience });
  }

  /** The account of an access token; undefined where it is none of ours, or has expired. */
  async accountOf(token: string): Promise<string | undefined> {
    const verified = await this.#verify(token);
    return verified?.audience === ACCESS ? verified.email : undefined;
  }

  /** The account of an identity token for `audience`; undefined where it is none of ours, or has expired. */
  async callerOf(token: string, audience: string): Promise<string | undefined> {
    const verified = await this.#verify(token);
    return verified?.audience === audience ? verified.email : undefined;
  }

  #sign(claims: Record<string, string | boolean>): Promise<string> {
    return new SignJWT({ ...claims, sub: String(claims['email']) })
      .setProtectedHeader({ alg: ALGORITHM, typ: 'JWT' })
      .setIssuer(ISSUER)
      .setIssuedAt()
      .setExpirationTime(`${TOKEN_SECONDS}s`)
      .sign(this.#secret);
  }

  async #verify(token: string): Promise<Verified | undefined> {
    const known = this.#verified.get(token);
    if (known) return known.expires > Date.now() ? known : undefined;
    const verified = await jwtVerify(token, this.#secret, { algorithms: [ALGORITHM], issuer: ISSUER }).then(
      ({ payload: { email, aud, exp } }) => ({
        email: String(email),
        audience: String(aud),
        expires: Number(exp) * 1000,
      }),
      () => undefined,
    );
    if (!verified) return undefined;
    if (this.#verified.size >= REMEMBERED) this.#verified.clear();
    this.#verified.set(token, verified);
    return verified;
  }
}

/** The token of `Authorization: Bearer …`. */
export function bearer(authorization: string | undefined): string | undefined {
  return /^Bearer +(\S+)$/i.exec(authorization ?? '')?.[1];
}
