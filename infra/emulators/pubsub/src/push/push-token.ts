import { exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose';
import type { Tokens } from '../../../common/iam/tokens.ts';

/** Claims of a push token. */
interface PushTokenRequest {
  readonly email: string;
  readonly audience: string;
}

/** Makes the bearer tokens of authenticated push. */
export interface PushTokenMinter {
  mint(request: PushTokenRequest): Promise<string>;
  /** The public keys that verify them (RFC 7517). */
  jwks(): Promise<{ readonly keys: readonly JWK[] }>;
}

const algorithm = 'RS256';
const keyId = 'pubsub-emulator';

/**
 * Signs with a key that lives as long as this process, made when first asked for.
 * Claims as Google's: cloud.google.com/pubsub/docs/authenticate-push-subscriptions.
 */
export function ephemeralMinter(issuer = 'https://accounts.google.com'): PushTokenMinter {
  let pair: ReturnType<typeof generateKeyPair> | undefined;
  const keys = () => {
    pair ??= generateKeyPair(algorithm);
    return pair;
  };
  return {
    async mint({ email, audience }) {
      const { privateKey } = await keys();
      return new SignJWT({ email, email_verified: true, azp: email })
        .setProtectedHeader({ alg: algorithm, kid: keyId, typ: 'JWT' })
        .setIssuer(issuer)
        .setAudience(audience)
        .setSubject(email)
        .setIssuedAt()
        .setExpirationTime('1h')
        .sign(privateKey);
    },
    async jwks() {
      const { publicKey } = await keys();
      return { keys: [{ ...(await exportJWK(publicKey)), kid: keyId, alg: algorithm, use: 'sig' }] };
    },
  };
}

/** Tokens that the other parts of the local platform know; nobody else can verify them. */
export function minterOf(tokens: Tokens): PushTokenMinter {
  return {
    mint: ({ email, audience }) => tokens.identity(email, audience),
    jwks: async () => ({ keys: [] }),
  };
}
