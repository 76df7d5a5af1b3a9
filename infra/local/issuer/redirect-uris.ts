/** RFC 8252 section 7.3 has the two addresses; section 8.3 has the name, which browsers know as this machine. */
const LOOPBACK: ReadonlySet<string> = new Set(['127.0.0.1', '[::1]', 'localhost']);

/** Addresses that the issuer sends browsers back to: those that are registered, to the letter, and all of this machine. */
export class RedirectUris {
  readonly #registered: ReadonlySet<string>;
  readonly #origins: ReadonlySet<string>;

  constructor(registered: readonly string[]) {
    this.#registered = new Set(registered);
    this.#origins = new Set(registered.map((uri) => new URL(uri).origin));
  }

  /** The URL, where it may be sent to. */
  allowed(uri: string): URL | undefined {
    const url = URL.parse(uri);
    if (!url || uri.includes('#')) return undefined;
    return this.#registered.has(uri) || isLoopback(url) ? url : undefined;
  }

  /** Whether a page of this origin may read what the issuer answers. */
  allowsOrigin(origin: string): boolean {
    const url = URL.parse(origin);
    return url?.origin === origin && (this.#origins.has(origin) || isLoopback(url));
  }
}

function isLoopback({ protocol, hostname, username, password }: URL): boolean {
  const isWeb = protocol === 'http:' || protocol === 'https:';
  return isWeb && LOOPBACK.has(hostname) && username === '' && password === '';
}
