import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { RescanBudget } from '../../../functions/sweeper/rescan-budget.ts';
import type { SendDeps } from '../../../functions/sweeper/send-rescans.ts';
import type { EventMessage } from '../../../shared/events/cloud-event.ts';
import { parseRescanRequest, type RescanRequest } from '../../../shared/events/rescan-request.ts';
import type { StoredObject } from '../../../shared/storage/object.ts';
import { FAST_RETRY } from '../../shared/storage/streams.ts';
import { pushOf, SweeperFixture } from './fixture.ts';
import { type Hook, HookedBucket } from './hooked-bucket.ts';

export const digest = (of: string | number): string => createHash('sha256').update(String(of)).digest('hex');

export interface PerDay {
  readonly filesPerDay?: number;
  readonly bytesPerDay?: number;
}

/** A sweeper with stored contents of ten bytes, and what it sends to the rescanner. */
export class RescanFixture extends SweeperFixture {
  requested: EventMessage[] = [];

  constructor() {
    super(true);
    beforeEach(() => {
      this.requested = [];
    });
  }

  /** @param hook of every call of the storage */
  deps({ filesPerDay = 1000, bytesPerDay = 1_000_000 }: PerDay = {}, hook?: Hook): SendDeps {
    const { name } = this.sweeper.permanent;
    const terms = { retry: FAST_RETRY, paced: true };
    const permanent = hook ? new HookedBucket(hook, this.connection, name, terms) : this.sweeper.permanent;
    return {
      ...this.sweeper,
      permanent,
      request: async (message) => void this.requested.push(message),
      budget: new RescanBudget({ permanent, now: this.sweeper.now, filesPerDay, bytesPerDay }),
    };
  }

  /** The requests that were sent, in the order in which they were. */
  requests(): RescanRequest[] {
    return this.requested.map((message) => parseRescanRequest(pushOf(message)) ?? assert.fail());
  }

  /** The names of what was sent, each as often as it was. */
  names(): string[] {
    return this.requests()
      .map(({ name }) => name)
      .sort();
  }

  /** Stores content of ten bytes that was found clean now, or so long ago. */
  async blob(
    of: string | number,
    ageMs = 0,
    metadata: Readonly<Record<string, string>> = {},
  ): Promise<StoredObject> {
    const at = new Date(this.now - ageMs).toISOString();
    async function* bytes() {
      yield Buffer.alloc(10);
    }
    const said = { cleanSince: at, scannedAt: at, engine: '1.4.6', ...metadata };
    const name = of.toString().startsWith('blobs/') ? `${of}` : `blobs/sha256/${digest(of)}`;
    const options = { contentType: 'application/octet-stream', metadata: said };
    return (await this.sweeper.permanent.stage(name, bytes(), options)).commit();
  }

  async blobs(count: number, ageMs = 0, metadata: Readonly<Record<string, string>> = {}): Promise<void> {
    await Promise.all(Array.from({ length: count }, (_, at) => this.blob(at, ageMs, metadata)));
  }
}
