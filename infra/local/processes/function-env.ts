import { join } from 'node:path';
import { AUDIENCE, GROUPS_CLAIM, ISSUER_PATH, PRINCIPAL_CLAIM, SCOPES } from '../issuer/issuer.ts';
import { callbackKeyOf } from '../keys/callback-key.ts';
import { verdictKeyOf } from '../keys/verdict-key.ts';
import {
  BUCKETS,
  FINALIZED_TOPIC,
  HOST,
  type Ports,
  pubsubHostOf,
  RESCAN_TOPIC,
  SCAN_EVENTS_TOPIC,
  storageUrlOf,
} from './addresses.ts';
import { type PlatformConfig, SCAN_QUEUE, SCAN_SLOTS } from './config.ts';
import { emailOf } from './identity.ts';

function tokenIssuers(ports: Ports): string {
  const gateway = `http://${HOST}:${ports.gateway}`;
  const issuer = {
    kind: 'custom',
    issuer: gateway + ISSUER_PATH,
    audience: AUDIENCE,
    principalClaim: PRINCIPAL_CLAIM,
    groupsClaim: GROUPS_CLAIM,
    readScope: SCOPES.read,
    writeScope: SCOPES.write,
    adminScope: SCOPES.admin,
  };
  return JSON.stringify([issuer]);
}

function filesUrlOf(config: PlatformConfig, ports: Ports): string {
  return `http://${HOST}:${config.hosts === 'two' ? ports.filesFront : ports.gateway}`;
}

export function uploadEnv(config: PlatformConfig, ports: Ports): Record<string, string> {
  return {
    STORAGE_EMULATOR_HOST: storageUrlOf(config, ports),
    UNSCANNED_BUCKET: BUCKETS.unscanned,
    PERMANENT_BUCKET: BUCKETS.permanent,
    TOKEN_ISSUERS: tokenIssuers(ports),
    LONG_POLLS_PER_CALLER: String(config.longPollsPerCaller),
    ...(config.corsOrigins && { CORS_ORIGINS: config.corsOrigins }),
    FILES_URL: filesUrlOf(config, ports),
  };
}

export function filesEnv(config: PlatformConfig, ports: Ports): Record<string, string> {
  return {
    ...uploadEnv(config, ports),
    DEDUPLICATE: config.deduplicate,
    VERDICT_KEY: verdictKeyOf(config.data),
    SCAN_EVENTS_TOPIC,
    RESCAN_TOPIC,
    PUBSUB_EMULATOR_HOST: pubsubHostOf(config, ports),
  };
}

/** The scanner's limits, which the upload function announces. */
export function scanMaximumEnv({
  maxScanBytes,
  windowedScanMaxBytes,
}: PlatformConfig): Record<string, string> {
  return {
    MAX_SCAN_BYTES: String(maxScanBytes),
    ...(windowedScanMaxBytes && { WINDOWED_SCAN_MAX_BYTES: windowedScanMaxBytes }),
  };
}

export function scannerEnv(config: PlatformConfig, ports: Ports): Record<string, string> {
  return {
    ...rescannerEnv(config, ports),
    UNSCANNED_BUCKET: BUCKETS.unscanned,
    DEDUPLICATE: config.deduplicate,
    ...(config.acceptUnscannable && { ACCEPT_UNSCANNABLE: config.acceptUnscannable }),
  };
}

/** Both use the one ClamAV that there is. */
export function rescannerEnv(config: PlatformConfig, ports: Ports): Record<string, string> {
  return {
    STORAGE_EMULATOR_HOST: storageUrlOf(config, ports),
    PERMANENT_BUCKET: BUCKETS.permanent,
    QUARANTINE_BUCKET: BUCKETS.quarantine,
    CLAMD_HOST: HOST,
    CLAMD_PORT: String(ports.clamd),
    CLAMD_TEMP_DIR: join(config.data, 'clamd/tmp'),
    ALLOW_UNDATED_SIGNATURES: String(config.clamavDatabase === undefined),
    ...scanMaximumEnv(config),
    ...(config.windowOverlapBytes && { WINDOW_OVERLAP_BYTES: config.windowOverlapBytes }),
    SCAN_SLOTS: String(SCAN_SLOTS),
    SCAN_QUEUE: String(SCAN_QUEUE),
    SCAN_EVENTS_TOPIC,
    FILES_URL: filesUrlOf(config, ports),
    PUBSUB_EMULATOR_HOST: pubsubHostOf(config, ports),
  };
}

/** Where callbacks may go: receivers are on this machine too. */
export function callbackEnv({ callbackOrigins, callbackOwners }: PlatformConfig): Record<string, string> {
  return {
    ...(callbackOrigins && { CALLBACK_ORIGINS: callbackOrigins, CALLBACK_LOOPBACK: 'true' }),
    ...(callbackOwners && { CALLBACK_OWNERS: callbackOwners }),
  };
}

export function notifyEnv(config: PlatformConfig, ports: Ports): Record<string, string> {
  const { CALLBACK_OWNERS: _, ...callbacks } = callbackEnv(config);
  return {
    STORAGE_EMULATOR_HOST: storageUrlOf(config, ports),
    PERMANENT_BUCKET: BUCKETS.permanent,
    ...callbacks,
    CALLBACK_KEYS: callbackKeyOf(config.data),
  };
}

export function auditorEnv(config: PlatformConfig, ports: Ports): Record<string, string> {
  return {
    VERDICT_KEY: verdictKeyOf(config.data),
    STORAGE_EMULATOR_HOST: storageUrlOf(config, ports),
    UNSCANNED_BUCKET: BUCKETS.unscanned,
    PERMANENT_BUCKET: BUCKETS.permanent,
    DEDUPLICATE: config.deduplicate,
  };
}

export function exporterEnv(config: PlatformConfig, ports: Ports): Record<string, string> {
  return {
    STORAGE_EMULATOR_HOST: storageUrlOf(config, ports),
    PERMANENT_BUCKET: BUCKETS.permanent,
    EXPORT_BUCKET: BUCKETS.exports,
  };
}

export function sweeperEnv(config: PlatformConfig, ports: Ports): Record<string, string> {
  return {
    STORAGE_EMULATOR_HOST: storageUrlOf(config, ports),
    UNSCANNED_BUCKET: BUCKETS.unscanned,
    PERMANENT_BUCKET: BUCKETS.permanent,
    STUCK_AFTER_SECONDS: String(config.stuckAfterSeconds),
    ...(config.collectUnreferencedAfterSeconds && {
      COLLECT_UNREFERENCED_AFTER_SECONDS: String(config.collectUnreferencedAfterSeconds),
    }),
    SCAN_EVENTS_TOPIC,
    FILES_URL: filesUrlOf(config, ports),
    QUARANTINE_BUCKET: BUCKETS.quarantine,
    EXPORT_BUCKET: BUCKETS.exports,
    VERDICT_KEY: verdictKeyOf(config.data),
    DEDUPLICATE: config.deduplicate,
    FINALIZE_TOPIC: FINALIZED_TOPIC,
    RESCAN_TOPIC,
    DEAD_LETTER_CALLER: emailOf('push'),
    SCHEDULE_CALLER: emailOf('schedule'),
    PUBSUB_EMULATOR_HOST: pubsubHostOf(config, ports),
  };
}
