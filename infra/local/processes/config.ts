import { statfsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, resolve } from 'node:path';
import * as v from 'valibot';
import { deduplicationScope, integer, logLevel, readConfig } from '../../../shared/runtime/config.ts';
import { CLAMAV_MAX_BYTES } from '../../../shared/scanning/clamd.ts';
import { sizesFor } from '../../../shared/scanning/sizes.ts';
import { storageOrigin } from '../../../shared/storage/connect.ts';
import { parseLatency } from '../../emulators/common/latency/latency.ts';

/** Options of `npm start`. Ports: 0 takes any free one. */
export interface PlatformConfig {
  readonly port: number;
  readonly storagePort: number;
  readonly pubsubPort: number;
  /** Where what upload answers leads: to the one address, as behind a load balancer, or to the host of files. */
  readonly hosts: 'one' | 'two';
  /** Absolute path of the folder with objects, keys and logs. */
  readonly data: string;
  /** Bytes; larger files are unscannable. */
  readonly maxScanBytes: number;
  /** Folder with a real signature database, kept up to date by somebody else. */
  readonly clamavDatabase?: string;
  /** `host:port` of a Pub/Sub emulator to use in place of the embedded one. */
  readonly pubsubEmulatorHost?: string;
  /** Scheme and authority of something that emulates Cloud Storage, to use in place of the embedded emulator. */
  readonly storageEmulatorHost?: string;
  /** Seconds from one sweep to the next. */
  readonly sweepIntervalSeconds: number;
  /** Seconds from one collection of what nobody needs to the next. */
  readonly collectIntervalSeconds: number;
  /** Seconds from one look for contents that are due for a re-scan to the next. */
  readonly rescanIntervalSeconds: number;
  readonly auditIntervalSeconds: number;
  readonly exportIntervalSeconds: number;
  /** The sweeper's variable of that name, in seconds; absent: never. */
  readonly collectUnreferencedAfterSeconds?: number;
  /** Scope in which a content is stored once. */
  readonly deduplicate: 'global' | 'owner';
  /** Limits of one owner, and of one caller, in an instance; the rest is refused, or answered at once. */
  readonly uploadsPerOwner: number;
  readonly longPollsPerCaller: number;
  /** Seconds after which the sweeper sends a file that waits to the scanner again. */
  readonly stuckAfterSeconds: number;
  readonly logLevel: string;
  /** Pages elsewhere than on this machine that may log in at the development issuer. */
  readonly redirectUris: readonly string[];
  /** The variable `CORS_ORIGINS` of upload and files. */
  readonly corsOrigins?: string;
  /** Whether an object name takes one mutation a second, as in Cloud Storage. */
  readonly mutationLimit: 'on' | 'off';
  /** Latency that the emulators add to each operation: `off`, or a profile and a seed. */
  readonly latency: string;
  /** Origins that callbacks may go to; the notify function runs only where there are some. */
  readonly callbackOrigins?: string;
  /** The upload function's variable of that name. */
  readonly callbackOwners?: string;
  /** The variable OTEL_EXPORTER_OTLP_ENDPOINT of all functions. */
  readonly otlpEndpoint?: string;
  /** The scanner's variable of that name. */
  readonly acceptUnscannable?: string;
  /** The scanner's variable of that name. */
  readonly windowedScanMaxBytes?: string;
  /** The scanner's variable of that name. */
  readonly windowOverlapBytes?: string;
}

const hostAndPort = v.pipe(v.string(), v.regex(/^[^\s/:]+:\d{1,5}$/, 'should be host:port'));

const endpoint = v.pipe(
  v.string(),
  v.regex(/^(http:\/\/)?[^\s/:]+:\d{1,5}$/, 'should be http://host:port'),
  v.transform((host) => storageOrigin(host)),
);

const latencyProfile = v.optional(
  v.pipe(
    v.string(),
    v.rawCheck(({ dataset, addIssue }) => {
      if (!dataset.typed) return;
      try {
        parseLatency(dataset.value);
      } catch (error) {
        addIssue({ message: (error as Error).message.replace('LATENCY ', '') });
      }
    }),
  ),
  'off',
);

const redirectUris = v.optional(
  v.pipe(
    v.string(),
    v.transform((text) => text.split(',').filter(Boolean)),
    v.check(
      (uris) => uris.every((uri) => /^https?:\/\/[^#]+$/.test(uri) && URL.canParse(uri)),
      'should be absolute URLs without a fragment, separated by commas',
    ),
  ),
  '',
);

const VARIABLES = {
  PORT: v.optional(integer(0, 65_535), '8080'),
  STORAGE_PORT: v.optional(integer(0, 65_535), '9199'),
  PUBSUB_PORT: v.optional(integer(0, 65_535), '8085'),
  HOSTS: v.optional(v.picklist(['one', 'two'], 'should be one or two'), 'one'),
  DATA: v.optional(v.string(), '.local'),
  CALLBACK_ORIGINS: v.optional(v.string()),
  CALLBACK_OWNERS: v.optional(v.string()),
  OTEL_EXPORTER_OTLP_ENDPOINT: v.optional(v.string()),
  ACCEPT_UNSCANNABLE: v.optional(v.string()),
  WINDOWED_SCAN_MAX_BYTES: v.optional(v.string()),
  WINDOW_OVERLAP_BYTES: v.optional(v.string()),
  MAX_SCAN_BYTES: v.optional(integer(1, CLAMAV_MAX_BYTES)),
  CLAMAV_DATABASE_DIR: v.optional(v.string()),
  PUBSUB_EMULATOR_HOST: v.optional(hostAndPort),
  STORAGE_EMULATOR_HOST: v.optional(endpoint),
  SWEEP_INTERVAL_SECONDS: v.optional(integer(1, 86_400), '30'),
  COLLECT_INTERVAL_SECONDS: v.optional(integer(1, 86_400), '60'),
  RESCAN_INTERVAL_SECONDS: v.optional(integer(1, 86_400), '300'),
  AUDIT_INTERVAL_SECONDS: v.optional(integer(1, 86_400), '3600'),
  EXPORT_INTERVAL_SECONDS: v.optional(integer(1, 86_400), '3600'),
  COLLECT_UNREFERENCED_AFTER_SECONDS: v.optional(integer(60, 31_536_000)),
  DEDUPLICATE: deduplicationScope,
  STUCK_AFTER_SECONDS: v.optional(integer(2, 86_400), '60'),
  UPLOADS_PER_OWNER: v.optional(integer(1, 1_000), '40'),
  LONG_POLLS_PER_CALLER: v.optional(integer(0, 1_000), '80'),
  CORS_ORIGINS: v.optional(v.string()),
  REDIRECT_URIS: redirectUris,
  MUTATION_LIMIT: v.optional(v.picklist(['on', 'off'], 'should be on or off'), 'on'),
  LATENCY: latencyProfile,
  LOG_LEVEL: logLevel,
};

/** One scan a processor: more do not make it faster (docs/platform-facts.md#scans-at-once). Each wants its temporary space, so not many. */
export const SCAN_SLOTS = Math.min(availableParallelism(), 4);
/** Same value as in a deployment. */
export const SCAN_QUEUE = 20 * SCAN_SLOTS;

/**
 * Reads and checks the environment; relative paths are below `project`.
 * @param freeBytes of the disk that a folder is on, or will be
 * @throws {Error} one line that names each variable that is not what it should be
 */
export function readPlatformConfig(
  env: NodeJS.ProcessEnv,
  project: string,
  freeBytes = freeBytesOf,
): PlatformConfig {
  const read = readConfig(VARIABLES, env);
  const data = resolve(project, read.DATA);
  return {
    port: read.PORT,
    storagePort: read.STORAGE_PORT,
    pubsubPort: read.PUBSUB_PORT,
    hosts: read.HOSTS,
    data,
    maxScanBytes: read.MAX_SCAN_BYTES ?? affordableScan(freeBytes(data)),
    sweepIntervalSeconds: read.SWEEP_INTERVAL_SECONDS,
    collectIntervalSeconds: read.COLLECT_INTERVAL_SECONDS,
    rescanIntervalSeconds: read.RESCAN_INTERVAL_SECONDS,
    auditIntervalSeconds: read.AUDIT_INTERVAL_SECONDS,
    exportIntervalSeconds: read.EXPORT_INTERVAL_SECONDS,
    ...(read.COLLECT_UNREFERENCED_AFTER_SECONDS && {
      collectUnreferencedAfterSeconds: read.COLLECT_UNREFERENCED_AFTER_SECONDS,
    }),
    deduplicate: read.DEDUPLICATE,
    uploadsPerOwner: read.UPLOADS_PER_OWNER,
    longPollsPerCaller: read.LONG_POLLS_PER_CALLER,
    stuckAfterSeconds: read.STUCK_AFTER_SECONDS,
    mutationLimit: read.MUTATION_LIMIT,
    latency: read.LATENCY,
    logLevel: read.LOG_LEVEL,
    redirectUris: read.REDIRECT_URIS,
    ...(read.CORS_ORIGINS && { corsOrigins: read.CORS_ORIGINS }),
    ...(read.CALLBACK_ORIGINS && { callbackOrigins: read.CALLBACK_ORIGINS }),
    ...(read.CALLBACK_OWNERS && { callbackOwners: read.CALLBACK_OWNERS }),
    ...(read.OTEL_EXPORTER_OTLP_ENDPOINT && { otlpEndpoint: read.OTEL_EXPORTER_OTLP_ENDPOINT }),
    ...(read.ACCEPT_UNSCANNABLE && { acceptUnscannable: read.ACCEPT_UNSCANNABLE }),
    ...(read.WINDOWED_SCAN_MAX_BYTES && { windowedScanMaxBytes: read.WINDOWED_SCAN_MAX_BYTES }),
    ...(read.WINDOW_OVERLAP_BYTES && { windowOverlapBytes: read.WINDOW_OVERLAP_BYTES }),
    ...(read.CLAMAV_DATABASE_DIR && { clamavDatabase: resolve(project, read.CLAMAV_DATABASE_DIR) }),
    ...(read.PUBSUB_EMULATOR_HOST && { pubsubEmulatorHost: read.PUBSUB_EMULATOR_HOST }),
    ...(read.STORAGE_EMULATOR_HOST && { storageEmulatorHost: read.STORAGE_EMULATOR_HOST }),
  };
}

/** The largest file that all slots can scan at once in nine tenths of the free space; the rest is for its objects. */
function affordableScan(freeBytes: number): number {
  const each = (freeBytes * 0.9) / SCAN_SLOTS;
  if (sizesFor(CLAMAV_MAX_BYTES).temporary <= each) return CLAMAV_MAX_BYTES;
  // Below that, temporary space is a multiple of the size, and a constant.
  const perByte = sizesFor(2 ** 20).temporary / 2 ** 20;
  return Math.max(2 ** 20, Math.floor(each / perByte));
}

function freeBytesOf(folder: string): number {
  try {
    const { bavail, bsize } = statfsSync(folder);
    return bavail * bsize;
  } catch {
    return freeBytesOf(dirname(folder));
  }
}
