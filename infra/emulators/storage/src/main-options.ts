import { parseIam } from '../../common/iam/emulated-iam.ts';
import { parseLatency } from '../../common/latency/latency.ts';
import type { StorageEmulatorOptions, Subscription } from './emulator.ts';

const DEFAULT_PORT = 4443;
const NAMES: readonly string[] = [
  'FOLDER',
  'HOST',
  'PORT',
  'BUCKETS',
  'NOTIFY',
  'MD5',
  'BACKOFF_MS',
  'DELIVERIES',
  'MUTATION_LIMIT',
  'LATENCY',
  'IAM',
];

export const USAGE = `Usage: storage-emulator NAME=value …     each also as an environment variable

FOLDER          the folder that keeps the data; required
HOST, PORT      where to listen; 127.0.0.1 and 4443; port 0 takes a free one
BUCKETS         buckets to create where they are absent: a,b
NOTIFY          where to POST finalized objects as CloudEvents: bucket=http://…,bucket=http://…
BACKOFF_MS      from-to milliseconds between deliveries of a notification; 1000-30000
DELIVERIES      notifications delivered at a time; 16
MUTATION_LIMIT  on or off: one mutation a second to an object name; on
MD5             on or off: objects have an md5Hash; on. Off makes uploads faster
LATENCY         off, google-cloud or flat, with a seed as in google-cloud:42; off
IAM             permissions as JSON; without it, everybody may do everything`;

/**
 * @param argv `NAME=value` each; it wins over the environment
 * @throws Error naming the option and what it should be
 */
export function parseMainOptions(
  env: Readonly<Record<string, string | undefined>>,
  argv: readonly string[],
): StorageEmulatorOptions {
  const given = new Map<string, string>();
  for (const name of NAMES) {
    const value = env[name];
    if (value !== undefined && value !== '') given.set(name, value);
  }
  for (const argument of argv) {
    const [, name, value] = /^([A-Z0-9_]+)=(.*)$/s.exec(argument) ?? [];
    if (name === undefined || value === undefined || !NAMES.includes(name)) {
      throw new Error(`unknown argument ${argument}`);
    }
    given.set(name, value);
  }
  const folder = given.get('FOLDER');
  if (folder === undefined) throw new Error('FOLDER should be the folder that keeps the data');
  const port = Number(given.get('PORT') ?? DEFAULT_PORT);
  if (!Number.isInteger(port) || port < 0 || port > 65535) throw new Error('PORT should be 0 to 65535');
  const latency = parseLatency(given.get('LATENCY') ?? 'off');
  const backoff = given.get('BACKOFF_MS');
  const deliveries = given.get('DELIVERIES');
  const iam = given.get('IAM');
  return {
    folder,
    port,
    md5: onOrOff('MD5', given.get('MD5') ?? 'on'),
    mutationLimit: onOrOff('MUTATION_LIMIT', given.get('MUTATION_LIMIT') ?? 'on'),
    host: given.get('HOST') ?? '127.0.0.1',
    buckets: listOf(given.get('BUCKETS')),
    notifications: listOf(given.get('NOTIFY')).map(subscription),
    ...(latency !== undefined && { latency }),
    ...(deliveries !== undefined && { deliveryConcurrency: deliveriesOf(deliveries) }),
    ...(backoff !== undefined && { backoffMs: backoffOf(backoff) }),
    ...(iam !== undefined && { iam: parseIam(iam) }),
  };
}

function onOrOff(name: string, value: string): boolean {
  if (value !== 'on' && value !== 'off') throw new Error(`${name} should be on or off`);
  return value === 'on';
}

const listOf = (text: string | undefined): string[] =>
  (text ?? '')
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');

function backoffOf(text: string): { min: number; max: number } {
  const [, min, max] = /^([1-9]\d{0,8})-([1-9]\d{0,8})$/.exec(text) ?? [];
  if (min === undefined || max === undefined || Number(min) > Number(max)) {
    throw new Error(`BACKOFF_MS should be min-max in milliseconds, and not ${text}`);
  }
  return { min: Number(min), max: Number(max) };
}

function deliveriesOf(text: string): number {
  if (!/^[1-9]\d{0,3}$/.test(text)) throw new Error(`DELIVERIES should be 1 to 9999, and not ${text}`);
  return Number(text);
}

function subscription(text: string): Subscription {
  const [, bucket, url] = /^([^=]+)=(http:\/\/.+)$/.exec(text) ?? [];
  if (bucket === undefined || url === undefined) {
    throw new Error(`NOTIFY should be bucket=http://..., and not ${text}`);
  }
  return { bucket, url };
}
