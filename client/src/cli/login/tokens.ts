import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { TokenEndpointResponse } from 'oauth4webapi';
import { stateFolder } from '../../state.ts';
import type { Context } from '../context.ts';
import { LoginRefused } from '../exit.ts';
import { clientGrant, refreshGrant } from './grants.ts';
import { claimsIn } from './jwt.ts';
import { withLock } from './lock.ts';
import { readPrivate, writePrivate } from './private-file.ts';
import type { Profile } from './profile.ts';
import { discover, required } from './provider.ts';

/** Milliseconds before its end at which a token is renewed: requests take time, and clocks differ. */
const SKEW_MS = 60_000;

/** Milliseconds that a token is good for where nothing says how long. */
const UNKNOWN_MS = 300_000;

/** Tokens of one profile, as they are kept. */
export interface Tokens {
  /** Settings that they were got with: others need others. */
  readonly settings: string;
  readonly accessToken: string;
  /** Milliseconds since 1970. */
  readonly obtainedAt: number;
  readonly expiresAt: number;
  readonly refreshToken?: string;
  /** Scopes that were granted, where the answer names them. */
  readonly scope?: string;
}

function pathOf(name: string, kind: 'json' | 'lock'): string {
  return join(stateFolder('tokens'), `${name}.${kind}`);
}

/** Tokens of a profile; undefined where there are none, or where they are of other settings. @throws {UsageError} */
export async function readTokens(name: string, profile: Profile): Promise<Tokens | undefined> {
  const text = await readPrivate(pathOf(name, 'json'));
  if (text === undefined) return undefined;
  try {
    const tokens = JSON.parse(text) as Tokens;
    return tokens.settings === settingsOf(profile) && typeof tokens.accessToken === 'string'
      ? tokens
      : undefined;
  } catch {
    return undefined;
  }
}

/** Keeps what a server answered. @param before whose refresh token remains where the answer has none */
export async function writeTokens(
  name: string,
  profile: Profile,
  answer: TokenEndpointResponse,
  before?: Tokens,
): Promise<Tokens> {
  const { access_token: accessToken, refresh_token: refreshToken = before?.refreshToken, scope } = answer;
  const obtainedAt = Date.now();
  const tokens: Tokens = {
    settings: settingsOf(profile),
    accessToken,
    obtainedAt,
    expiresAt: expiryOf(answer, obtainedAt),
    ...(refreshToken !== undefined && { refreshToken }),
    ...(scope !== undefined && { scope }),
  };
  await writePrivate(pathOf(name, 'json'), `${JSON.stringify(tokens)}\n`);
  return tokens;
}

export async function removeTokens(name: string): Promise<void> {
  await rm(pathOf(name, 'json'), { force: true });
}

function expiryOf({ access_token, expires_in }: TokenEndpointResponse, now: number): number {
  if (expires_in !== undefined) return now + expires_in * 1000;
  const exp = claimsIn(access_token)?.['exp'];
  return typeof exp === 'number' ? exp * 1000 : now + UNKNOWN_MS;
}

function settingsOf({ url, uploadUrl, filesUrl, issuer, clientId, grant, scope, audience }: Profile): string {
  return JSON.stringify([url, uploadUrl, filesUrl, issuer, clientId, grant, scope, audience]);
}

function isFresh({ obtainedAt, expiresAt }: Tokens): boolean {
  // Of a short life, a part.
  const skew = Math.min(SKEW_MS, (expiresAt - obtainedAt) / 4);
  const now = Date.now();
  // A clock that was set back says nothing about age.
  return now >= obtainedAt - SKEW_MS && now < expiresAt - skew;
}

/** One process at a time: a refresh token is often good only once. */
export function exclusively<T>(name: string, { signal }: Context, work: () => Promise<T>): Promise<T> {
  return withLock(pathOf(name, 'lock'), signal, work);
}

/** Gets the access token of a profile, renewed when it is about to expire. */
export class ProfileToken {
  readonly #context: Context;
  readonly #name: string;
  readonly #profile: Profile;
  #tokens: Tokens | undefined;
  #renewing: Promise<Tokens> | undefined;

  constructor(context: Context, name: string, profile: Profile) {
    this.#context = context;
    this.#name = name;
    this.#profile = profile;
  }

  /** @throws {UsageError}, {LoginRefused} where a person has to log in, {FileshareConnectionError} */
  async get(): Promise<string> {
    if (!this.#tokens || !isFresh(this.#tokens)) {
      this.#renewing ??= this.#renewed().finally(() => {
        this.#renewing = undefined;
      });
      this.#tokens = await this.#renewing;
    }
    return this.#tokens.accessToken;
  }

  async #renewed(): Promise<Tokens> {
    required(this.#profile);
    const found = await readTokens(this.#name, this.#profile);
    if (found && isFresh(found)) return found;
    return exclusively(this.#name, this.#context, async () => {
      const current = await readTokens(this.#name, this.#profile);
      return current && isFresh(current) ? current : this.#ask(current);
    });
  }

  async #ask(current: Tokens | undefined): Promise<Tokens> {
    const [context, name, profile] = [this.#context, this.#name, this.#profile];
    if (profile.grant === 'client-credentials' || profile.grant === 'jwt-bearer') {
      return writeTokens(name, profile, await clientGrant(context, await discover(context, profile)));
    }
    const refreshToken = current?.refreshToken;
    const answer =
      refreshToken === undefined
        ? undefined
        : await refreshGrant(context, await discover(context, profile), refreshToken);
    if (answer) return writeTokens(name, profile, answer, current);
    const why = current ? 'The login has expired' : 'Nobody is logged in';
    throw new LoginRefused(`${why}. Run: fileshare login${name === 'default' ? '' : ` --profile ${name}`}`);
  }
}
