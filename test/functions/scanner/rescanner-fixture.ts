import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { pino } from 'pino';
import { Admission } from '../../../functions/scanner/admission/admission.ts';
import { TempSpace } from '../../../functions/scanner/admission/temp-space.ts';
import { BlobNotes } from '../../../functions/scanner/rescanner/blob-notes.ts';
import type { RescanContext } from '../../../functions/scanner/rescanner/rescan-context.ts';
import { Findings } from '../../../shared/files/findings.ts';
import { parseSha256, type Sha256 } from '../../../shared/files/record.ts';
import type { Verdict } from '../../../shared/scanning/verdict.ts';
import { collect, FAST_RETRY } from '../../shared/storage/streams.ts';
import { SweeperFixture } from '../sweeper/fixture.ts';
import { type Hook, HookedBucket, straight } from '../sweeper/hooked-bucket.ts';

export const OLD = { engine: '1.4.5', database: '27000', databaseDate: '2026-11-24T04:00:00.000Z' };
export const NEW = { engine: '1.4.6', database: 27_007, databaseDate: '2026-12-01T04:00:00.000Z' };
export const CLEAN: Verdict = { kind: 'clean' };
export const SIGNATURE = 'Win.New.Signature';
export const INFECTED: Verdict = { kind: 'infected', signature: SIGNATURE };

const tempSpace = new TempSpace(() => Number.MAX_SAFE_INTEGER, {
  maxScan: 0,
  maxMember: 0,
} as ConstructorParameters<typeof TempSpace>[1]);

export function admissionOf(slots: number): Admission {
  return new Admission({ slots, maxWaiting: 0, maxWaitMs: 0, tempSpace });
}

export function sha256Of(bytes: Buffer): Sha256 {
  return parseSha256(createHash('sha256').update(bytes).digest('hex')) ?? assert.fail();
}

/** A rescanner over the storage emulator, whose engine says what a test wants. */
export class RescannerFixture extends SweeperFixture {
  verdict: Verdict = CLEAN;
  /** The bytes that the engine was given. */
  given: Buffer[] = [];
  lines: Record<string, unknown>[] = [];

  constructor() {
    super(true);
    beforeEach(() => {
      this.verdict = CLEAN;
      this.given = [];
      this.lines = [];
    });
  }

  context(how: Partial<RescanContext> = {}, hook: Hook = straight): RescanContext {
    const { sweeper, connection } = this;
    const terms = { retry: FAST_RETRY, paced: true };
    const permanent = new HookedBucket(hook, connection, sweeper.permanent.name, terms);
    return {
      permanent,
      notes: new BlobNotes(permanent),
      findings: new Findings(permanent),
      publish: (event) => hook('publish', 'event', () => sweeper.publish(event)),
      scanner: {
        version: async () => NEW,
        scan: async (source) => {
          this.given.push(await collect(source));
          return this.verdict;
        },
      },
      engine: { fit: async () => NEW },
      admission: admissionOf(1),
      maxScanBytes: 1000,
      now: sweeper.now,
      log: pino({}, { write: (line) => void this.lines.push(JSON.parse(line) as Record<string, unknown>) }),
      ...how,
    };
  }

  outcomes(): unknown[] {
    return this.lines.map(({ outcome }) => outcome).filter((outcome) => outcome !== undefined);
  }
}
