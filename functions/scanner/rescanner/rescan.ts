import { announceFinding } from '../../../shared/events/complete-scan.ts';
import type { RescanRequest } from '../../../shared/events/rescan-request.ts';
import { type Blob, isDamaged, lastScannedAt, parseBlob } from '../../../shared/files/blob.ts';
import { digestOf } from '../../../shared/files/blob-name.ts';
import type { Sha256 } from '../../../shared/files/record.ts';
import { defined } from '../../../shared/runtime/defined.ts';
import type { StoredObject } from '../../../shared/storage/object.ts';
import { decideByScan } from '../decide.ts';
import { coverageOf, type Decision } from '../decision.ts';
import { later, type Outcome } from '../outcome.ts';
import { rescanQuarantined } from './quarantined.ts';
import { isSame, OWNER, type RescanContext, type RescanOutcome } from './rescan-context.ts';

const DONE: Outcome = { kind: 'done' };

/**
 * Scans the stored content that a request names. Any step may be the last before a crash, and the request may arrive
 * twice, late, or while another instance handles it: the result is the same. docs/adr/0034-re-scan.md has the steps.
 * @throws {StorageError}, {ScanFault} and what `publish` throws: the request should be redelivered
 */
export async function rescan(
  context: RescanContext,
  request: RescanRequest,
  signal: AbortSignal,
): Promise<Outcome> {
  const start = performance.now();
  const outcome = await outcomeOf(context, request, signal);
  if (typeof outcome !== 'string') return outcome;
  const ms = Math.round(performance.now() - start);
  context.log.info({ blob: request.name, outcome, ms }, 're-scan completed');
  return DONE;
}

async function outcomeOf(
  context: RescanContext,
  { quarantined, ...request }: RescanRequest,
  signal: AbortSignal,
): Promise<RescanOutcome | Outcome> {
  if (quarantined === undefined) return rescanned(context, request, signal);
  const { quarantine } = context;
  return quarantine
    ? rescanQuarantined({ ...context, quarantine }, { ...request, quarantined }, signal)
    : 'over';
}

async function rescanned(
  context: RescanContext,
  { name, generation, dueAt }: RescanRequest,
  signal: AbortSignal,
): Promise<RescanOutcome | Outcome> {
  const { permanent, notes, findings, publish, log } = context;
  const sha256 = digestOf(name);
  if (!sha256) {
    log.warn({ blob: name }, 're-scan request for an unknown blob');
    return 'over';
  }
  const [object, known] = await Promise.all([permanent.stat(name, signal), findings.get(sha256, signal)]);
  if (object?.generation !== generation || isDamaged(object)) return 'over';
  if (known) {
    await announceFinding({ findings, publish }, sha256, known);
    await notes.noteRescan(object, context.now());
    return 'known';
  }
  const blob = parseBlob(object);
  if ('signature' in blob) return 'over';
  // No reads while the engine is unfit.
  const engine = await context.engine.fit();
  if (lastScannedAt(object) >= dueAt || isSame(engine, blob.engine)) return 'current';
  if (!coverageOf(context, object.size)) {
    await notes.noteRescan(object, context.now());
    return 'unscannable';
  }
  const { size, crc32c } = object;
  const file = { owner: OWNER, content: { size, crc32c, sha256 } };
  const begun = async () => undefined;
  const decision = await decideByScan(context, { bucket: permanent, file, object }, { signal, begun });
  if (decision === 'sourceGone') return 'over';
  if ('refused' in decision) return later(decision);
  if ('failure' in decision) return damaged(context, object);
  return decided(context, sha256, blob, decision);
}

async function damaged({ notes, log, now }: RescanContext, object: StoredObject): Promise<'damaged'> {
  await notes.noteDamage(object, now());
  // docs/operations.md names the alert by this message.
  log.error({ blob: object.name }, 'stored bytes do not match their digest');
  return 'damaged';
}

async function decided(
  { notes, findings, publish, log }: RescanContext,
  sha256: Sha256,
  blob: Blob,
  { verdict, scan: { scannedAt: endedAt, engine, coverage }, readFrom: scannedAt = endedAt }: Decision,
): Promise<RescanOutcome> {
  if (!engine) throw new Error('a scan without an engine');
  switch (verdict.kind) {
    case 'clean':
      await notes.confirm(blob, { scannedAt, engine, ...defined({ coverage }) });
      return 'clean';
    case 'infected': {
      const { signature } = verdict;
      const known = await findings.add(sha256, { signature, scannedAt: endedAt, engine });
      if ('release' in known) {
        await notes.noteRescan(blob.object, scannedAt);
        return 'released';
      }
      log.warn({ sha256, signature }, 'stored content is malware');
      await announceFinding({ findings, publish }, sha256, known);
      await notes.noteRescan(blob.object, scannedAt);
      return 'infected';
    }
    case 'unscannable':
      // A limit of ClamAV is not malware: a clean content stays clean.
      await notes.noteRescan(blob.object, scannedAt);
      log.warn({ blob: blob.object.name, reason: verdict.reason }, 're-scan gave no verdict');
      return 'unscannable';
  }
}
