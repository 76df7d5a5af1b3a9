import * as v from 'valibot';

/** This machine, by any of its names: `new URL` has brought numeric forms into the usual one. */
const LOOPBACK = /^(localhost|.+\.localhost|127\.\d+\.\d+\.\d+|0\.0\.0\.0|\[::1?\]|\[::ffff:7f.*\])\.?$/;

/** Whether only a development issuer can live there: on this machine, or without TLS. */
export function isDevelopmentUrl(url: string): boolean {
  const { protocol, hostname } = new URL(url);
  return protocol !== 'https:' || LOOPBACK.test(hostname);
}

/** Keys come over https. Plain http is for the loopback, which needs `allowDevelopment` besides. */
function isSecureUrl(text: string): boolean {
  const url = URL.parse(text);
  if (url?.protocol === 'https:') return true;
  return url?.protocol === 'http:' && LOOPBACK.test(url.hostname);
}

export const secureUrl = v.pipe(
  v.string('should be an https URL'),
  v.check(isSecureUrl, 'should be an https URL'),
);

/** An issuer identifier: an https URL without query and fragment (RFC 8414 section 2). */
export const issuerUrl = v.pipe(
  secureUrl,
  v.check((text) => !/[?#]/.test(text), 'should have no query and no fragment'),
);
