import * as v from 'valibot';
import { flag, integer, nonEmpty, port } from '../../shared/runtime/config.ts';
import type { Logger } from '../../shared/runtime/log.ts';
import { CLAMAV_MAX_BYTES, createClamd } from '../../shared/scanning/clamd.ts';
import { sizesFor } from '../../shared/scanning/sizes.ts';
import { Admission } from './admission/admission.ts';
import { SlotUse } from './admission/slot-use.ts';
import { freeBytes, TempSpace } from './admission/temp-space.ts';
import type { ScanDeps } from './decision.ts';
import { EngineGate } from './engine-gate.ts';

/** The longest that Pub/Sub waits for an answer. */
const ACK_DEADLINE_SECONDS = 600;

/** Variables that configure the scans. */
export const engineVariables = {
  CLAMD_HOST: v.optional(nonEmpty, '127.0.0.1'),
  CLAMD_PORT: v.optional(port, '3310'),
  CLAMD_TEMP_DIR: nonEmpty,
  SIGNATURE_MAX_AGE_HOURS: v.optional(integer(1, 8_760), '168'),
  ALLOW_UNDATED_SIGNATURES: v.optional(flag, 'false'),
  MAX_SCAN_BYTES: v.optional(integer(1, CLAMAV_MAX_BYTES), '1073741824'),
  WINDOWED_SCAN_MAX_BYTES: v.optional(integer(0, Number.MAX_SAFE_INTEGER), '0'),
  WINDOWED_SCAN_TIMEOUT_SECONDS: v.optional(integer(10, 3_590), '3300'),
  WINDOW_OVERLAP_BYTES: v.optional(integer(1, 67_108_864), '4194304'),
  SCAN_SLOTS: v.optional(integer(1, 64), '1'),
  SCAN_QUEUE: v.optional(integer(0, 1_000)),
  SCAN_TIMEOUT_SECONDS: v.optional(integer(10, 590), '540'),
};

type EngineConfig = v.InferOutput<v.ObjectSchema<typeof engineVariables, undefined>>;

/**
 * Creates the ClamAV engine of this instance with its limits.
 * @throws {Error} if the variables contradict each other
 */
export function composeEngine(config: EngineConfig, log: Logger): ScanDeps & { readonly engine: EngineGate } {
  if (config.WINDOWED_SCAN_MAX_BYTES > 0 && 2 * config.WINDOW_OVERLAP_BYTES > config.MAX_SCAN_BYTES) {
    throw new Error('Configuration: WINDOW_OVERLAP_BYTES should be at most half of MAX_SCAN_BYTES');
  }
  const now = () => new Date();
  const scanner = createClamd({
    host: config.CLAMD_HOST,
    port: config.CLAMD_PORT,
    connectTimeoutMs: 5_000,
    idleTimeoutMs: 60_000,
    totalTimeoutMs: config.SCAN_TIMEOUT_SECONDS * 1000,
    maxBytes: config.MAX_SCAN_BYTES,
  });
  const windows = {
    maxBytes: config.WINDOWED_SCAN_MAX_BYTES,
    overlapBytes: config.WINDOW_OVERLAP_BYTES,
    timeoutMs: config.WINDOWED_SCAN_TIMEOUT_SECONDS * 1000,
  };
  return {
    scanner,
    engine: new EngineGate(scanner, {
      maxAgeMs: config.SIGNATURE_MAX_AGE_HOURS * 3_600_000,
      allowUndated: config.ALLOW_UNDATED_SIGNATURES,
      recheckMs: 10_000,
      now,
    }),
    admission: new Admission({
      slots: config.SCAN_SLOTS,
      maxWaiting: config.SCAN_QUEUE ?? config.SCAN_SLOTS * 20,
      // The response must come before Pub/Sub's deadline; an event that waits longer is redelivered.
      maxWaitMs: Math.max(10, ACK_DEADLINE_SECONDS - 10 - config.SCAN_TIMEOUT_SECONDS) * 1000,
      tempSpace: new TempSpace(() => freeBytes(config.CLAMD_TEMP_DIR), sizesFor(config.MAX_SCAN_BYTES)),
      slotUse: new SlotUse({
        slots: config.SCAN_SLOTS,
        report: (mean) => log.info(mean, 'slots in use'),
      }),
    }),
    maxScanBytes: config.MAX_SCAN_BYTES,
    windows: windows.maxBytes > 0 ? windows : undefined,
    now,
  };
}
