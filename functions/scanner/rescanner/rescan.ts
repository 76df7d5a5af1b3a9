import type { Publish } from '../../../shared/events/cloud-event.ts';
import { announceFinding } from '../../../shared/events/complete-scan.ts';
import type { RescanRequest } from '../../../shared/events/rescan-request.ts';
import { type Blob, isDamaged, lastScannedAt, parseBlob } from '../../../shared/files/blob.ts';
import { digestOf } from '../../../shared/files/blob-name.ts';
import type { Blobs } from '../../../shared/files/blobs.ts';
import type { Findings } from '../../../shared/files/findings.ts';
import type { Sha256 } from '../../../shared/files/record.ts';
import type { Logger } from '../../../shared/runtime/log.ts';
import type { EngineVersion } from '../../../shared/scanning/engine.ts';
import type { Bucket } from '../../../shared/storage/bucket.ts';
import type { StoredObject } from '../../../shared/storage/object.ts';
import { decideByScan } from '../decide.ts';
import { coverageOf, type Decision, type ScanDeps } from '../decision.ts';
import type { Outcome } from '../outcome.ts';

/** The stores, settings and services that a re-scan uses. */
export interface RescanContext extends ScanDeps {
  readonly permanent: Bucket;
  readonly blobs: Blobs;
  readonly findings: Findings;
  readonly publish: Publish;
  readonly log: Logger;
}

type RescanOutcome =
  /** The content is not there any more, or is not to be handed out anyway. */
  | 'over'
  /** A finding stands for it, and the event about that is out now. */
  | 'known'
  /** It was scanned since it became due, or by the same signatures. */
  | 'current'
  | 'clean'
  | 'infected'
  /** The finding is one that an operator has lifted. */
  | 'released'
  | 'unscannable'
  /** The bytes do not have the digest of their name. */
  | 'damaged';

/** All re-scans take turns as one owner's. */
const OWNER = 'rescan';
const DONE: Outcome = { kind: 'done' };

/**
 * Scans a stored content again, as its request names it. Each step may be the last before a crash, and the request may come
 * twice, late, or while another instance works on it: the end is the same. docs/adr/0034-re-scan.md has the steps.
 * @throws {StorageError}, {ScanFault} and what `publish` throws: the request should come back
 */
export async function rescan(
  context: RescanContext,
  request: RescanRequest,
  signal: AbortSignal,
): Promise<Outcome> {
  const start = performance.now();
  const outcome = await rescanned(context, request, signal);
  if (typeof outcome !== 'string') return outcome;
  const ms = Math.round(performance.now() - start);
  context.log.info({ blob: request.name, outcome, ms }, 're-scan completed');
  return DONE;
}

async function rescanned(
  context: RescanContext,
  { name, generation, dueAt }: RescanRequest,
  signal: AbortSignal,
): Promise<RescanOutcome | Outcome> {
  const { permanent, blobs, findings, publish, log } = context;
  const sha256 = digestOf(name);
  if (!sha256) {
    log.warn({ blob: name }, 'request for no blob of ours');
    return 'over';
  }
  const [object, known] = await Promise.all([permanent.stat(name, signal), findings.get(sha256, signal)]);
  if (object?.generation !== generation || isDamaged(object)) return 'over';
  if (known) {
    await announceFinding({ findings, publish }, sha256, known);
    await blobs.noteRescan(object, context.now());
    return 'known';
  }
  const blob = parseBlob(object);
  if ('signature' in blob) return 'over';
  // An engine that is not fit, however long, costs no read.
  const engine = await context.engine.fit();
  if (lastScannedAt(object) >= dueAt || isSame(engine, blob.engine)) return 'current';
  if (!coverageOf(context, object.size)) {
    await blobs.noteRescan(object, context.now());
    return 'unscannable';
  }
  const { size, crc32c } = object;
  const file = { owner: OWNER, content: { size, crc32c, sha256 } };
  const begun = async () => undefined;
  const decision = await decideByScan(context, permanent, file, object, undefined, { signal, begun });
  if (decision === 'sourceGone') return 'over';
  if ('refused' in decision) return later(decision.refused);
  if ('failure' in decision) return damaged(context, object);
  return decided(context, sha256, blob, decision);
}

/** A signature database without a version may be any. */
function isSame(engine: EngineVersion, before: EngineVersion): boolean {
  return (
    engine.database !== undefined && engine.database === before.database && engine.engine === before.engine
  );
}

function later(refused: 'slots' | 'tempSpace'): Outcome {
  const why = refused === 'slots' ? 'all scan slots are taken' : 'temporary space is short';
  return { kind: 'later', why, retryAfterSeconds: 1 };
}

async function damaged({ blobs, log, now }: RescanContext, object: StoredObject): Promise<'damaged'> {
  await blobs.noteDamage(object, now());
  // docs/operations.md names the alert by this message.
  log.error({ blob: object.name }, 'stored bytes do not have their digest');
  return 'damaged';
}

async function decided(
  { blobs, findings, publish, log }: RescanContext,
  sha256: Sha256,
  blob: Blob,
  { verdict, scan: { scannedAt, engine, coverage } }: Decision,
): Promise<RescanOutcome> {
  if (!engine) throw new Error('a scan without an engine');
  switch (verdict.kind) {
    case 'clean':
      await blobs.confirm(blob, { scannedAt, engine, ...(coverage && { coverage }) });
      return 'clean';
    case 'infected': {
      const { signature } = verdict;
      const known = await findings.add(sha256, { signature, scannedAt, engine });
      if ('release' in known) {
        await blobs.noteRescan(blob.object, scannedAt);
        return 'released';
      }
      log.warn({ sha256, signature }, 'stored content is malware');
      await announceFinding({ findings, publish }, sha256, known);
      await blobs.noteRescan(blob.object, scannedAt);
      return 'infected';
    }
    case 'unscannable':
      // A limit of ClamAV is no malware: what was found clean stays so.
      await blobs.noteRescan(blob.object, scannedAt);
      log.warn({ blob: blob.object.name, reason: verdict.reason }, 're-scan came to no verdict');
      return 'unscannable';
  }
}
