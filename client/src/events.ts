import type { ScanEvent } from './event-types.ts';

/** The message is not an event of this service. */
export class InvalidScanEvent extends Error {
  override readonly name = 'InvalidScanEvent';
}

type Check = (value: unknown) => boolean;
const text: Check = (value) => typeof value === 'string' && value !== '';
const texts: Check = (value) => Array.isArray(value) && value.every((item) => typeof item === 'string');
const receipts: Check = (value) =>
  Array.isArray(value) &&
  value.every((item) => isObject(item) && text(item['principal']) && time(item['at']));
const time: Check = (value) => typeof value === 'string' && !Number.isNaN(Date.parse(value));
const fileId: Check = (value) => typeof value === 'string' && /^[0-9a-v]{43}$/.test(value);
const engine: Check = (value) => isObject(value) && text(value['version']);
const released: Check = (value) => isObject(value) && text(value['reason']) && time(value['at']);
const sha256: Check = (value) => typeof value === 'string' && /^[0-9a-f]{64}$/.test(value);
const size: Check = (value) => Number.isSafeInteger(value) && Number(value) >= 0;
const oneOf =
  (...values: readonly string[]): Check =>
  (value) =>
    values.some((known) => known === value);

const present = oneOf('uploading', 'pending', 'clean', 'infected', 'unscannable', 'failed');
const FILE = { fileId, owner: text, createdAt: time };

/** The members that each type must have; more may come, and are passed on. */
const REQUIRED: Readonly<Record<ScanEvent['type'], Readonly<Record<string, Check>>>> = {
  'no.nav.hops.fileshare.scan.completed.v1': {
    ...FILE,
    verdict: oneOf('clean', 'infected', 'unscannable'),
    contentType: text,
    scannedAt: time,
  },
  'no.nav.hops.fileshare.scan.failed.v1': {
    ...FILE,
    verdict: oneOf('failed'),
    reason: text,
    contentType: text,
    failedAt: time,
  },
  'no.nav.hops.fileshare.file.deleted.v1': { ...FILE, verdict: oneOf('deleted'), deletedAt: time },
  'no.nav.hops.fileshare.file.downloaded.v1': {
    ...FILE,
    verdict: oneOf('clean', 'unscannable'),
    size,
    sha256,
    downloadedBy: text,
    downloadedAt: time,
  },
  'no.nav.hops.fileshare.file.recalled.v1': {
    ...FILE,
    verdict: oneOf('infected'),
    signature: text,
    viewers: texts,
    references: texts,
    receipts,
    scannedAt: time,
    recalledAt: time,
  },
  'no.nav.hops.fileshare.file.released.v1': { ...FILE, verdict: oneOf('clean'), released },
  'no.nav.hops.fileshare.file.shared.v1': { ...FILE, verdict: present, sharedWith: text, sharedAt: time },
  'no.nav.hops.fileshare.file.expiring.v1': { ...FILE, verdict: present, expiresAt: time },
  'no.nav.hops.fileshare.verdict.changed.v1': {
    sha256,
    verdict: oneOf('infected', 'clean'),
    signature: text,
    changedAt: time,
  },
};

const OPTIONAL: Readonly<Record<string, Check>> = {
  until: time,
  expiresAt: time,
  size,
  released,
  sha256,
  signature: text,
  reason: text,
  engine,
  correlationId: text,
  moreReceipts: (value) => value === true,
  accepted: (value) => typeof value === 'boolean',
};

/**
 * The event in what a subscriber got: a message of @google-cloud/pubsub, an entry of `receivedMessages` or its
 * `message` from the REST API, or the parsed body of a push.
 * @returns undefined for a type that this version does not know: acknowledge it and go on
 * @throws {InvalidScanEvent} where it is no event of this service
 */
export function parseScanEvent(message: unknown): ScanEvent | undefined {
  const { attributes, data } = unwrapped(message);
  const type = attributes['ce-type'];
  if (attributes['ce-specversion'] !== '1.0' || typeof type !== 'string')
    throw invalid('it is no CloudEvent 1.0');
  if (!isKnown(type)) return undefined;
  const { 'ce-id': id, 'ce-time': at, 'ce-source': source, 'ce-traceparent': traceparent } = attributes;
  if (!text(id) || !text(source) || !time(at)) throw invalid('it has no ce-id, ce-source or ce-time');
  const parsed = jsonIn(data);
  for (const [name, check] of Object.entries({ ...OPTIONAL, ...REQUIRED[type] })) {
    const optional = !(name in REQUIRED[type]) && parsed[name] === undefined;
    if (!optional && !check(parsed[name])) throw invalid(`${name} of its data is missing or wrong`);
  }
  const traced = text(traceparent) ? { traceparent } : {};
  // The data was held to the schema of this type just now, which the compiler cannot see.
  return { type, id, time: at, source, ...traced, data: parsed } as unknown as ScanEvent;
}

function invalid(why: string): InvalidScanEvent {
  return new InvalidScanEvent(`Not an event of HOPS Fileshare: ${why}.`);
}

function isKnown(type: string): type is ScanEvent['type'] {
  return Object.hasOwn(REQUIRED, type);
}

function unwrapped(message: unknown): { attributes: Record<string, unknown>; data: unknown } {
  if (!isObject(message)) throw invalid('it is no message');
  const inner = isObject(message['message']) ? message['message'] : message;
  const { attributes, data } = inner;
  if (!isObject(attributes)) throw invalid('it has no attributes');
  return { attributes, data };
}

/** Bytes, as the Node client has them, or base64, as the REST API and pushes do. */
function jsonIn(data: unknown): Record<string, unknown> {
  try {
    const bytes =
      typeof data === 'string'
        ? Uint8Array.from(atob(data), (char) => char.charCodeAt(0))
        : (data as Uint8Array);
    const value: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
    if (isObject(value)) return value;
  } catch {
    // Said below.
  }
  throw invalid('its data is no JSON object');
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
