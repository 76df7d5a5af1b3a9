import * as v from 'valibot';
import { isDamaged } from '../../shared/files/blob.ts';
import { parseTime } from '../../shared/files/fields.ts';
import { Problem } from '../../shared/http/problems.ts';
import { resume } from './cursor.ts';
import { type SendDeps, type Sent, sendRescans } from './send-rescans.ts';
import type { SweepTerms } from './sweep.ts';

const Order = v.strictObject({ database: v.pipe(v.number(), v.integer(), v.minValue(1)) });

/** `other`: of other signatures, or not to be handed out anyway. */
export interface DatabaseReport extends Pick<Sent<'other'>, 'blobs' | 'files' | 'bytes'> {
  readonly database: number;
  /** False where the time or the budget was used up first: the next call with the same version goes on from there. */
  readonly complete: boolean;
}

/**
 * @param body of the request, parsed; none for the walk of the schedule
 * @returns the version of the signature database that an operator names
 * @throws {Problem} 400
 */
export function parseRescanOrder(body: unknown): number | undefined {
  // An empty body is parsed by its media type, which the caller chooses.
  if (body === undefined || body === '' || (v.is(v.object({}), body) && Object.keys(body).length === 0)) {
    return undefined;
  }
  const order = v.safeParse(Order, body);
  if (order.success) return order.output.database;
  const detail = 'Send no body, or JSON, {"database": 27654}, as application/json.';
  throw new Problem('invalid-request', { detail });
}

/**
 * Asks for a scan of every stored content that was last found clean by this version of the signature database, such as one that
 * was rolled back, whatever its age; within a budget a day like that of the ages. docs/operations.md
 * @throws {StorageError} where the bucket cannot be listed
 */
export async function requestRescansOf(
  deps: SendDeps,
  database: number,
  terms: SweepTerms,
): Promise<DatabaseReport> {
  let report: DatabaseReport | undefined;
  await resume(deps.permanent, 'sweeper/rescan-database', async (kept) => {
    const { day = '', files = '', bytes = '' } = kept;
    const isSame = kept['database'] === String(database);
    const place = isSame ? kept : { day, files, bytes };
    // A scan that ended since then answers the request, also one that an earlier call sent.
    const began = (isSame && parseTime(kept['began'] ?? '')) || deps.now();
    const sent = await sendRescans(deps, place, terms, (blob) => {
      const isDue = blob.metadata['database'] === String(database);
      return isDue && !isDamaged(blob) && blob.metadata['signature'] === undefined ? began : 'other';
    });
    const { places, spent } = sent;
    report = { database, blobs: sent.blobs, files: sent.files, bytes: sent.bytes, complete: !places };
    return places ? { ...spent, ...places, database: String(database), began: began.toISOString() } : spent;
  });
  if (!report) throw new Error('no walk');
  return report;
}
