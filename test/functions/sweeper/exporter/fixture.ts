import assert from 'node:assert/strict';
import { pino } from 'pino';
import { Archive, type Chain } from '../../../../functions/sweeper/exporter/archive.ts';
import {
  type ExportDeps,
  type ExportReport,
  exportRecords,
} from '../../../../functions/sweeper/exporter/export.ts';
import { stateOf } from '../../../../functions/sweeper/exporter/state.ts';
import type { SweepTerms } from '../../../../functions/sweeper/sweep-terms.ts';
import type { Bucket } from '../../../../shared/storage/bucket.ts';
import { allObjects } from '../../../../shared/storage/page.ts';
import { FAST_RETRY } from '../../../shared/storage/streams.ts';
import type { SweeperFixture } from '../fixture.ts';
import { type Hook, HookedBucket, straight } from '../hooked-bucket.ts';

/** Smallest chunk that there is: memory of a part. */
const CHUNK_BYTES = 256 * 1024;

/** A bucket for exports beside those of a {@link SweeperFixture}. */
export class ExportFixture {
  readonly #fixture: SweeperFixture;
  #name = '';

  constructor(fixture: SweeperFixture) {
    this.#fixture = fixture;
    beforeEach(async () => {
      this.#name = fixture.sweeper.permanent.name.replace('permanent', 'exports');
      const bucket = { json: { name: this.#name } };
      (await fixture.storage.call('POST', '/storage/v1/b?project=p', bucket)).ok();
    });
  }

  bucket(hook: Hook = straight): Bucket {
    const options = { retry: FAST_RETRY, chunkBytes: CHUNK_BYTES };
    return new HookedBucket(hook, this.#fixture.connection, this.#name, options);
  }

  get archive(): Archive {
    return new Archive(this.bucket());
  }

  deps(hook: Hook = straight): ExportDeps {
    const { sweeper, connection } = this.#fixture;
    return {
      permanent: new HookedBucket(hook, connection, sweeper.permanent.name, { retry: FAST_RETRY }),
      archive: new Archive(this.bucket(hook)),
      fullEvery: 7,
      now: sweeper.now,
      log: pino({ level: 'silent' }),
    };
  }

  /** A minute later than what was before: exports have separate ids. */
  async run(how: Partial<ExportDeps> = {}, terms: Partial<SweepTerms> = {}): Promise<ExportReport> {
    this.#fixture.now += 60_000;
    return exportRecords({ ...this.deps(), ...how }, { budgetMs: 60_000, stopping: () => false, ...terms });
  }

  async latest(at?: Date): Promise<Chain> {
    return (await this.archive.latest(at)) ?? assert.fail('there is no export');
  }

  /** Names and metadata as an export has them, all places apart. */
  async exported(chain?: Chain): Promise<readonly object[]> {
    const state: object[] = [];
    const of = chain ?? (await this.latest());
    for await (const { name, metadata } of stateOf(this.bucket(), of, '', { from: '', to: '~' })) {
      state.push({ name, metadata });
    }
    return state;
  }

  /** The same of what is there. */
  async there(): Promise<readonly object[]> {
    const state: object[] = [];
    for await (const { name, metadata } of allObjects(this.#fixture.sweeper.permanent, { prefix: '' })) {
      if (!/^(sweeper|auditor|deployment)\//.test(name)) state.push({ name, metadata });
    }
    return state;
  }
}
