import { randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Principal } from '../../../shared/identity/principal.ts';
import { ISSUER_PATH, type Scope } from './issuer.ts';

const COOKIE = 'fileshare-issuer';
/** Seconds. */
const SESSION_SECONDS = 8 * 3600;

/** A person whom the issuer knows again. */
export interface Session {
  readonly principal: Principal;
  readonly groups: readonly string[];
  /** Scopes that the person has allowed. */
  readonly scopes: readonly Scope[];
  /** Seconds since 1970. */
  readonly authenticatedAt: number;
}

/** Sessions of browsers with the issuer, so that a second login asks nothing. They end with its process. */
export class Sessions {
  readonly #sessions = new Map<string, Session>();

  of(request: IncomingMessage): Session | undefined {
    const session = this.#sessions.get(idIn(request) ?? '');
    return session && secondsSince(session) <= SESSION_SECONDS ? session : undefined;
  }

  /** Begins a session instead of the one that there is. */
  begin(request: IncomingMessage, response: ServerResponse, session: Session): void {
    this.#sessions.delete(idIn(request) ?? '');
    const id = randomBytes(32).toString('base64url');
    this.#sessions.set(id, session);
    setCookie(response, id, SESSION_SECONDS);
  }

  end(request: IncomingMessage, response: ServerResponse): void {
    this.#sessions.delete(idIn(request) ?? '');
    setCookie(response, '', 0);
  }
}

/** Seconds. */
export function secondsSince({ authenticatedAt }: Session): number {
  return Math.floor(Date.now() / 1000) - authenticatedAt;
}

function idIn({ headers: { cookie = '' } }: IncomingMessage): string | undefined {
  const pair = cookie.split('; ').find((each) => each.startsWith(`${COOKIE}=`));
  return pair?.slice(COOKIE.length + 1);
}

/** Sets no `Secure`, since this machine has no TLS. Requests from pages of other sites bring it only by navigating here. */
function setCookie(response: ServerResponse, id: string, seconds: number): void {
  response.setHeader(
    'Set-Cookie',
    `${COOKIE}=${id}; Path=${ISSUER_PATH}; Max-Age=${seconds}; HttpOnly; SameSite=Lax`,
  );
}
