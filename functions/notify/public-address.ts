import type { LookupAddress } from 'node:dns';
import { lookup, Resolver } from 'node:dns/promises';
import { isIP, type LookupFunction } from 'node:net';
import ipaddr from 'ipaddr.js';

/** IPv6 addresses that are assigned to the internet: https://www.iana.org/assignments/ipv6-address-space */
const GLOBAL_UNICAST = ipaddr.IPv6.parseCIDR('2000::/3');
/** Milliseconds for one try, of which there are two. */
const DNS_TIMEOUT_MS = 2_000;

/** A name whose address no callback may go to. */
export class ForbiddenAddress extends Error {
  override readonly name = 'ForbiddenAddress';
}

/** All addresses of a name. */
export type Resolve = (hostname: string) => Promise<readonly LookupAddress[]>;

/**
 * Whether an address belongs to the internet, and to nothing inside: neither private, loopback, link-local (the metadata
 * server is), shared (CGNAT), multicast, reserved nor IPv4 in another guise.
 */
export function isPublic(text: string): boolean {
  if (!ipaddr.isValid(text)) return false;
  const address = ipaddr.process(text);
  if (address.range() !== 'unicast') return false;
  return address instanceof ipaddr.IPv4 || (address as ipaddr.IPv6).match(GLOBAL_UNICAST);
}

/**
 * Lookup of a connection: resolves the name, and gives the addresses that the connection is then made to, so that a second
 * answer of the DNS changes nothing. One address that is not public forbids the name. Not asked for a host that is
 * an address.
 * @param loopback lets addresses of this machine through, for development
 */
export function publicLookup(resolve: Resolve, loopback: boolean): LookupFunction {
  const allowed = (address: string) => isPublic(address) || (loopback && isLoopback(address));
  return (hostname, options, callback) => {
    resolve(hostname).then(
      (addresses) => {
        const [first] = addresses;
        if (!first) return callback(notFound(hostname), '');
        if (!addresses.every(({ address }) => allowed(address))) {
          return callback(new ForbiddenAddress(`${hostname} has an address that is not public`), '');
        }
        if (options.all) callback(null, [...addresses]);
        else callback(null, first.address, first.family);
      },
      (error: NodeJS.ErrnoException) => callback(error, ''),
    );
  };
}

function isLoopback(text: string): boolean {
  return ipaddr.isValid(text) && ipaddr.process(text).range() === 'loopback';
}

/**
 * Asks the DNS alone, and no search domains or `/etc/hosts`. It takes no thread of the pool, which slow names would
 * exhaust.
 */
export function dnsResolver(servers?: readonly string[]): Resolve {
  const resolver = new Resolver({ timeout: DNS_TIMEOUT_MS, tries: 2 });
  if (servers) resolver.setServers(servers);
  return async (hostname) => {
    const [four, six] = await Promise.allSettled([resolver.resolve4(hostname), resolver.resolve6(hostname)]);
    const found = [four, six].flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []));
    if (found.length === 0 && four.status === 'rejected') throw four.reason;
    return found.map((address) => ({ address, family: isIP(address) }));
  };
}

/** Resolves names as programs on this machine do, `localhost` included. */
export const systemResolver: Resolve = (hostname) => lookup(hostname, { all: true });

function notFound(hostname: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`${hostname} has no address`), { code: 'ENOTFOUND' });
}
