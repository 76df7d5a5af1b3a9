import { AuthorizationResponseError, ResponseBodyError } from 'oauth4webapi';
import { type PageConfig, parsePageConfig } from '../../page-config.ts';
import { byId } from '../element.ts';
import { createSession, type Session } from '../session.ts';
import { saying } from '../words.ts';
import { type Begun, begin, isKnown, setKnown, takeBegun } from './memory.ts';
import { Provider, type Tokens } from './provider.ts';
import { forgetResumePoints } from './resume-points.ts';
import { askToLogIn, clearPage, showPage } from './screen.ts';
import { type Where, whereNow } from './where.ts';

/** Errors of an issuer that was asked to show nothing and would have to (OpenID Connect Core 1.0 section 3.1.2.6). */
const HAS_TO_ASK = new Set([
  'login_required',
  'interaction_required',
  'consent_required',
  'account_selection_required',
]);

/** Parameters of an answer: RFC 6749 sections 4.1.2 and 4.1.2.1, RFC 9207. */
const ANSWER = ['code', 'error', 'state', 'iss'];

/** Where issuers send people back: the folder of the page, without a query. */
const HOME = new URL('.', location.href).href;

/** Tells the other tabs of this page that somebody has logged out. */
const tabs = new BroadcastChannel('hops-fileshare:logout');

export interface LoggedIn {
  readonly config: PageConfig;
  readonly session: Session;
  /** Where the person was before the page had to leave for the issuer. */
  readonly where: Where | undefined;
}

/** Resolves once somebody is logged in; until then, the document shows the way to it. */
export async function logIn(): Promise<LoggedIn> {
  try {
    return await new Login(await readPageConfig()).start();
  } catch (error) {
    await askToLogIn(saying(error));
    location.reload();
    return new Promise(() => undefined);
  }
}

async function readPageConfig(): Promise<PageConfig> {
  // Another page must not put this one behind its buttons: a meta element cannot say so.
  if (window.top !== window.self) throw new Error('This page does not work inside another.');
  const response = await fetch('config.json', { cache: 'no-cache' });
  if (!response.ok) throw new Error(`There is no configuration of the page (${response.status}).`);
  return parsePageConfig(await response.json());
}

class Login {
  readonly #config: PageConfig;
  #provider: Provider | undefined;
  #tokens: Tokens | undefined;
  #renewing: Promise<Tokens> | undefined;
  #isLeaving = false;

  constructor(config: PageConfig) {
    this.#config = config;
  }

  async start(): Promise<LoggedIn> {
    const callback = new URL(location.href);
    const begun = takeBegun();
    const isAnswer = ANSWER.some((name) => callback.searchParams.has(name));
    // A reload must not bring the answer again, nor a history show it.
    if (isAnswer) history.replaceState(null, '', HOME);
    const provider = await Provider.discover(this.#config, HOME);
    this.#provider = provider;
    if (!isAnswer) return isKnown() ? this.#leave('none') : this.#ask('');
    setKnown(false);
    if (!begun) return this.#ask('This login was not begun here. Nobody is logged in.');
    try {
      this.#tokens = await provider.redeem(callback, begun);
    } catch (error) {
      const isOver = error instanceof AuthorizationResponseError && HAS_TO_ASK.has(error.error);
      return this.#ask(begun.isSilent && isOver ? 'Your login has ended.' : refusal(error));
    }
    return this.#enter(this.#tokens, begun);
  }

  #enter({ claims, scope }: Tokens, { before }: Begun): LoggedIn {
    const { filesUrl, uploadUrl, principal: template, operators } = this.#config;
    const principal = template.replace(/\{(\w+)\}/g, (_, name: string) => String(claims[name] ?? ''));
    forgetResumePoints(principal);
    setKnown(true);
    byId('switch-identity', HTMLButtonElement).addEventListener('click', () => void this.#switch());
    byId('log-out', HTMLButtonElement).addEventListener('click', () => void this.#logOut());
    tabs.addEventListener('message', () => this.#forget(HOME));
    // Without a token, uploads cannot go on here, and nobody is asked about them. It is called first, since it is the first.
    addEventListener('beforeunload', (event) => {
      if (this.#isLeaving) event.stopImmediatePropagation();
    });
    // A browser may keep the whole page to go back to.
    addEventListener('pageshow', ({ persisted }) => persisted && location.reload());
    const { name, preferred_username, email } = claims;
    showPage([name, preferred_username, email].find((each) => typeof each === 'string') ?? principal);
    return {
      config: this.#config,
      session: createSession({
        principal,
        token: () => this.#token(),
        addresses: { filesUrl, uploadUrl },
        operators: operators && scope.split(' ').includes(operators.scope) ? operators : undefined,
      }),
      where: before?.subject === claims.sub ? before.where : undefined,
    };
  }

  async #token(): Promise<string> {
    const tokens = this.#tokens;
    if (!tokens) throw new Error('Nobody is logged in any more.');
    if (Date.now() < tokens.renewAt) return tokens.access;
    this.#renewing ??= this.#renewed(tokens).finally(() => {
      this.#renewing = undefined;
    });
    return (await this.#renewing).access;
  }

  async #renewed(tokens: Tokens): Promise<Tokens> {
    const renewed = await this.#provider?.renew(tokens);
    // Without one, the issuer may still know the person.
    this.#tokens = renewed ?? (await this.#leave('none'));
    return this.#tokens;
  }

  /** Begins a login when the person wants it. */
  async #ask(reason: string): Promise<never> {
    await askToLogIn(reason);
    return this.#leave(undefined);
  }

  /** Leaves the page for the issuer; there is no way on here. */
  async #leave(prompt: 'none' | 'login' | undefined): Promise<never> {
    const { url, pending } = await this.#at().authorization(prompt);
    const { sub } = this.#tokens?.claims ?? {};
    const before = sub === undefined ? undefined : { subject: sub, where: whereNow() };
    begin({ ...pending, isSilent: prompt === 'none', ...(before && { before }) });
    this.#isLeaving = true;
    // A person who goes back means the page before this one.
    if (prompt === 'none') location.replace(url);
    else location.assign(url);
    return new Promise(() => undefined);
  }

  async #switch(): Promise<void> {
    const { url, pending } = await this.#at().authorization('login');
    await this.#part(url.href, () => begin({ ...pending, isSilent: false }));
  }

  async #logOut(): Promise<void> {
    await this.#part((this.#tokens && this.#at().logout(this.#tokens)?.href) ?? HOME);
  }

  /** Ends the login here and in other tabs. */
  async #part(target: string, before = () => {}): Promise<void> {
    const tokens = this.#tokens;
    clearPage();
    tabs.postMessage('logged out');
    if (tokens) await this.#at().revoke(tokens);
    before();
    this.#forget(target);
  }

  /** Forgets the person, and leaves. */
  #forget(target: string): void {
    clearPage();
    setKnown(false);
    forgetResumePoints();
    this.#tokens = undefined;
    this.#isLeaving = true;
    location.replace(target);
  }

  #at(): Provider {
    if (!this.#provider) throw new Error('The issuer is not known yet.');
    return this.#provider;
  }
}

/** Why a login failed, for people. */
function refusal(error: unknown): string {
  const isAnswer = error instanceof AuthorizationResponseError || error instanceof ResponseBodyError;
  const detail = isAnswer ? [error.error, error.error_description].filter(Boolean).join(': ') : saying(error);
  return `The login failed, and nobody is logged in. ${detail}`;
}
