import * as v from 'valibot';
import { secureUrl } from './issuer-url.ts';

const documentSchema = v.object({ issuer: v.string(), jwks_uri: secureUrl });

/**
 * Where an issuer has its keys, by OpenID Connect Discovery 1.0 section 4 or by RFC 8414 section 3 (Maskinporten).
 * @param timeoutMs for each of the two
 * @throws {Error} where it serves neither, or one that says it is of another issuer
 */
export async function discoverJwksUri(issuer: string, ask: typeof fetch, timeoutMs: number): Promise<string> {
  const failures: unknown[] = [];
  for (const url of documentUrls(issuer)) {
    try {
      return await readDocument(url, issuer, ask, timeoutMs);
    } catch (error) {
      failures.push(error);
    }
  }
  throw new AggregateError(failures, `no usable metadata: ${failures.map(messageOf).join('; ')}`);
}

/** OpenID appends to the issuer, RFC 8414 puts its part between the host and the path. */
function documentUrls(issuer: string): readonly string[] {
  const { origin, pathname } = new URL(issuer);
  const path = pathname.replace(/\/$/, '');
  return [
    `${origin}${path}/.well-known/openid-configuration`,
    `${origin}/.well-known/oauth-authorization-server${path}`,
  ];
}

async function readDocument(
  url: string,
  issuer: string,
  ask: typeof fetch,
  timeoutMs: number,
): Promise<string> {
  const response = await ask(url, {
    headers: { accept: 'application/json' },
    redirect: 'manual',
    signal: AbortSignal.timeout(timeoutMs),
  });
  if (response.status !== 200) {
    await response.body?.cancel();
    throw new Error(`${url} answers ${response.status}`);
  }
  const document = v.safeParse(documentSchema, await response.json());
  if (!document.success) throw new Error(`${url} is no metadata document`);
  // An attacker who can put a document there must not be able to lend the issuer another's keys (RFC 8414 section 3.3).
  if (document.output.issuer !== issuer) throw new Error(`${url} is of another issuer`);
  return document.output.jwks_uri;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
