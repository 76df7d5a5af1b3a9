import type { JWTVerifyGetKey } from 'jose';
import * as errors from 'jose/errors';
import { createRemoteJWKSet, customFetch } from 'jose/jwks/remote';
import { discoverJwksUri } from './discovery.ts';
import { isDevelopmentUrl } from './issuer-url.ts';

/** Milliseconds for one request to an issuer. */
const TIMEOUT_MS = 5_000;
/** Milliseconds for which a key set is believed; a key that the issuer withdrew is good for as long. */
const CACHE_MS = 10 * 60_000;
/** Milliseconds after a fetch in which a key that is not in the set makes for no other: anyone can name one. */
const COOLDOWN_MS = 10_000;
/** Milliseconds after a failure in which nothing is asked again, so that a flood of tokens does not become one there. */
const BACKOFF_MS = 1_000;

/** Keys could not be had: this says nothing about the token. */
export class KeysUnavailable extends Error {
  override readonly name = 'KeysUnavailable';
}

export interface KeysOptions {
  readonly issuer: string;
  /** Discovered where it is absent. */
  readonly jwksUri?: string | undefined;
  readonly allowDevelopment: boolean;
  /** Timeout of one request to the issuer. */
  readonly timeoutMs?: number;
}

/**
 * The keys of one issuer (RFC 7517): looked for at first use, kept, fetched again when they are old or when a token
 * names one that is not among them. A later request retries after a failure.
 * @throws {KeysUnavailable} by the function, where they cannot be had
 */
export function issuerKeys(options: KeysOptions): JWTVerifyGetKey {
  const { timeoutMs = TIMEOUT_MS } = options;
  const ask = patientFetch();
  const open = async () => {
    const jwksUri = options.jwksUri ?? (await discoverJwksUri(options.issuer, ask, timeoutMs));
    if (!options.allowDevelopment && isDevelopmentUrl(jwksUri)) {
      throw new Error(`${options.issuer} has its keys at a development address`);
    }
    return createRemoteJWKSet(new URL(jwksUri), {
      timeoutDuration: timeoutMs,
      cacheMaxAge: CACHE_MS,
      cooldownDuration: COOLDOWN_MS,
      [customFetch]: ask,
    });
  };
  let opened: ReturnType<typeof open> | undefined;
  return async (header, token) => {
    try {
      opened ??= open().catch((error: unknown) => {
        opened = undefined;
        throw error;
      });
      const keys = await opened;
      return await keys(header, token);
    } catch (error) {
      if (isOfTheToken(error)) throw error;
      throw new KeysUnavailable(`The keys of ${options.issuer} cannot be had`, { cause: error });
    }
  };
}

/** The set was had, and holds no one key that the header asks for. */
function isOfTheToken(error: unknown): boolean {
  return (
    error instanceof errors.JWKSNoMatchingKey ||
    error instanceof errors.JWKSMultipleMatchingKeys ||
    error instanceof errors.JOSENotSupported
  );
}

/** `fetch` that fails at once for an address that has just failed. */
function patientFetch(): typeof fetch {
  const failedAt = new Map<string, number>();
  return async (resource, options) => {
    const address = String(resource);
    if (performance.now() - (failedAt.get(address) ?? Number.NEGATIVE_INFINITY) < BACKOFF_MS) {
      throw new Error(`${address} failed a moment ago`);
    }
    let good = false;
    try {
      const response = await fetch(resource, options);
      good = response.status === 200;
      return response;
    } finally {
      if (!good) failedAt.set(address, performance.now());
    }
  };
}
