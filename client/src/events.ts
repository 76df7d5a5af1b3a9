import type { Receipt } from './handle.ts';

interface EventBase {
  /** The same for each delivery of the same event, and for no other: what repeats are known by. */
  readonly id: string;
  /** When it was decided or happened, RFC 3339. */
  readonly time: string;
  /** Address of the deployment's files. */
  readonly source: string;
  /** W3C Trace Context of the upload; of an event of a file alone. */
  readonly traceparent?: string;
}

interface FileFacts {
  readonly fileId: string;
  readonly owner: string;
  /** The identifier that its uploader gave it. */
  readonly correlationId?: string;
  /** Bytes. */
  readonly size?: number;
  /** Lower-case hexadecimal digits. */
  readonly sha256?: string;
  readonly createdAt: string;
}

interface EventEngine {
  /** ClamAV's release. */
  readonly version: string;
  readonly database?: number;
  readonly databaseDate?: string;
}

/** A file has its verdict. */
export interface ScanCompleted extends EventBase {
  readonly type: 'no.nav.hops.fileshare.scan.completed.v1';
  readonly data: FileFacts & {
    readonly verdict: 'clean' | 'infected' | 'unscannable';
    readonly contentType: string;
    readonly signature?: string;
    readonly reason?: string;
    readonly detail?: string;
    readonly accepted?: boolean;
    /** When the content was scanned, perhaps before the file was there: see `reused`. */
    readonly scannedAt: string;
    /** An earlier scan of the same content decided. */
    readonly reused?: true;
    readonly engine?: EventEngine;
  };
}

/** The service gave a file up. */
export interface ScanFailed extends EventBase {
  readonly type: 'no.nav.hops.fileshare.scan.failed.v1';
  readonly data: FileFacts & {
    readonly verdict: 'failed';
    readonly reason: string;
    readonly contentType: string;
    readonly failedAt: string;
  };
}

/** A file was taken back, or nothing referred to it any more. */
export interface FileDeleted extends EventBase {
  readonly type: 'no.nav.hops.fileshare.file.deleted.v1';
  readonly data: FileFacts & { readonly verdict: 'deleted'; readonly deletedAt: string };
}

/** A principal other than its owner has begun to download a file for the first time. */
export interface FileDownloaded extends EventBase {
  readonly type: 'no.nav.hops.fileshare.file.downloaded.v1';
  readonly data: FileFacts & {
    readonly verdict: 'clean' | 'unscannable';
    readonly size: number;
    readonly sha256: string;
    readonly downloadedBy: string;
    readonly downloadedAt: string;
  };
}

/** A file that was handed out is infected: a later scan of its content found malware. */
export interface FileRecalled extends EventBase {
  readonly type: 'no.nav.hops.fileshare.file.recalled.v1';
  readonly data: FileFacts & {
    readonly verdict: 'infected';
    readonly signature: string;
    readonly viewers: readonly string[];
    /** URIs of the resources that refer to it. */
    readonly references: readonly string[];
    /** The principals that have begun to download it, up to 1 000 of them. */
    readonly receipts: readonly Receipt[];
    /** There are more. */
    readonly moreReceipts?: true;
    readonly scannedAt: string;
    readonly recalledAt: string;
    /** Absent where an operator condemned the content. */
    readonly engine?: EventEngine;
  };
}

/** An operator's decision that a finding was a false positive. */
export interface EventRelease {
  readonly reason: string;
  readonly at: string;
}

/** A file that was infected is clean: an operator lifted the finding of its content. */
export interface FileReleased extends EventBase {
  readonly type: 'no.nav.hops.fileshare.file.released.v1';
  readonly data: FileFacts & {
    readonly verdict: 'clean';
    readonly released: EventRelease;
  };
}

/** A content that was handed out as clean is malware, or was released: every file with this SHA-256 is affected. */
export interface VerdictChanged extends EventBase {
  readonly type: 'no.nav.hops.fileshare.verdict.changed.v1';
  readonly data: {
    readonly sha256: string;
    readonly verdict: 'infected' | 'clean';
    readonly signature: string;
    readonly changedAt: string;
    /** Absent where an operator decided. */
    readonly engine?: EventEngine;
    /** Present where `clean`. */
    readonly released?: EventRelease;
  };
}

export type ScanEvent =
  | ScanCompleted
  | ScanFailed
  | FileDeleted
  | FileDownloaded
  | FileRecalled
  | FileReleased
  | VerdictChanged;

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
  'no.nav.hops.fileshare.verdict.changed.v1': {
    sha256,
    verdict: oneOf('infected', 'clean'),
    signature: text,
    changedAt: time,
  },
};

const OPTIONAL: Readonly<Record<string, Check>> = {
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
