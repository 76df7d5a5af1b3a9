import { isIP } from 'node:net';
import * as v from 'valibot';

declare const callbackUrl: unique symbol;
/** URL that the events of a file are posted to, as `URL` normalises it. */
export type CallbackUrl = string & { readonly [callbackUrl]: true };

/** Bytes: it shares the 8 KiB of a record's metadata. */
const MAX_BYTES = 512;

export function parseCallbackUrl(text: string): CallbackUrl | undefined {
  return URL.parse(text)?.href === text ? (text as CallbackUrl) : undefined;
}

/** Origins that a deployment sends callbacks to. */
export interface CallbackPolicy {
  /** Each exact, or with a wildcard for one or more labels: `https://*.example.no`. None: callbacks are off. */
  readonly origins: readonly string[];
  /** Whether `http` and addresses of this machine are allowed, for development. */
  readonly loopback: boolean;
}

const ORIGINS =
  'should be https origins such as https://example.no or https://*.example.no, separated by commas';

/** `CALLBACK_ORIGINS`. */
export const callbackOrigins = v.optional(
  v.pipe(
    v.string(),
    v.transform((text) => text.split(',').filter((origin) => origin !== '')),
    v.array(v.pipe(v.string(), v.check(isOrigin, ORIGINS))),
  ),
  '',
);

function isOrigin(text: string): boolean {
  // A wildcard for a whole top-level domain is always a mistake.
  const exact = text.replace(/:\/\/\*\.(?=[^.*]+\.[^.*])/, '://wildcard.');
  const url = URL.parse(exact);
  return url?.origin === exact && !exact.includes('*') && /^https?:$/.test(url.protocol);
}

/**
 * Checks a callback URL from a client. The delivery checks the addresses that its name resolves to.
 * @returns the URL, or why it is refused, as a sentence
 */
export function admitCallback(
  text: string,
  { origins, loopback }: CallbackPolicy,
): { readonly url: CallbackUrl } | { readonly refusal: string } {
  if (origins.length === 0) return { refusal: 'This deployment sends no callbacks.' };
  const url = /^[!-~]+$/.test(text) ? URL.parse(text) : null;
  if (!url) return { refusal: 'The callback URL is not a URL.' };
  if (text.length > MAX_BYTES || url.href.length > MAX_BYTES) {
    return { refusal: `The callback URL is longer than ${MAX_BYTES} characters.` };
  }
  if (url.username !== '' || url.password !== '')
    return { refusal: 'The callback URL has user information.' };
  const isLocal = loopback && isLoopback(url.hostname);
  if (url.protocol !== 'https:' && !(isLocal && url.protocol === 'http:')) {
    return { refusal: 'The callback URL is not https.' };
  }
  if (isAddress(url.hostname) && !isLocal)
    return { refusal: 'The callback URL has an IP address, not a name.' };
  if (!origins.some((origin) => matches(url, origin))) {
    return { refusal: 'This deployment sends no callbacks to that origin.' };
  }
  url.hash = '';
  return { url: url.href as CallbackUrl };
}

/** `URL` normalises every notation of an IPv4 address to dotted decimal. */
function isAddress(hostname: string): boolean {
  return hostname.startsWith('[') || isIP(hostname) !== 0;
}

function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(hostname);
}

function matches(url: URL, origin: string): boolean {
  const [scheme = '', host = ''] = origin.split('://');
  if (!host.startsWith('*.')) return url.origin === origin;
  return (
    url.protocol === `${scheme}:` && url.host.endsWith(host.slice(1)) && url.host.length > host.length - 1
  );
}
