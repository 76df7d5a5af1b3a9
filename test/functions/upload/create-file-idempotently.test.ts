import assert from 'node:assert/strict';
import { randomBytes, randomInt } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { Principal } from '../../../shared/identity/principal.ts';
import { StorageError } from '../../../shared/storage/error.ts';
import { WRITE_CLOCK } from '../../shared/storage/streams.ts';
import { CHUNK_BYTES, failingAt, OnceFixture, type Sent } from './once-fixture.ts';

const HOUR = 3_600_000;

describe('an upload with an idempotency key', () => {
  const fixture = new OnceFixture();
  const body = Buffer.from('the body');

  it('that is repeated is the same file, and stores nothing again', async () => {
    const key = fixture.newKey();
    const first = await fixture.send(body, { key });
    const counts = fixture.storage.emulator.operations;
    counts.reset();
    const again = await fixture.send(body, { key });
    assert.deepEqual([first.replayed, again.replayed], [false, true]);
    assert.equal(again.record.id, first.record.id);
    assert.deepEqual(Object.keys(counts.report().operations), ['objects.get']);
    assert.equal(counts.of('objects.get').calls, 3, 'the key, the file, its verdict');
  });

  it('costs a read and a write more than one without, and writes no name twice', async () => {
    const counts = fixture.storage.emulator.operations;
    counts.reset();
    const { record } = await fixture.send(body, { key: fixture.newKey(), patienceMs: 60_000 });
    assert.ok(!('tentative' in record));
    assert.equal(counts.of('objects.get').calls, 1, 'the key');
    assert.equal(counts.of('objects.insert').calls, 3, 'the key, the record, the object');
    assert.equal(Object.keys(counts.report().operations).length, 2);
  });

  it('that was too quick to be confirmed is the same file where it is repeated, scanned or not', async () => {
    const key = fixture.newKey();
    const { record } = await fixture.send(body, { key, patienceMs: 60_000 });
    const again = await fixture.send(body, { key });
    assert.deepEqual([again.record.id, again.replayed], [record.id, true]);
    const late = fixture.newKey();
    const other = await fixture.send(body, { key: late, patienceMs: 60_000 });
    await fixture.scan();
    const scanned = await fixture.send(body, { key: late });
    assert.deepEqual([scanned.record.id, scanned.record.state], [other.record.id, 'clean']);
  });

  for (const [what, other, otherBody] of [
    ['other bytes', {}, Buffer.from('the bodY')],
    ['more bytes', {}, Buffer.from('the body and more')],
    ['no bytes', {}, Buffer.alloc(0)],
    ['another Content-Type', { contentType: 'text/html' }, body],
    ['a file name', { fileName: 'a.txt' }, body],
    ['another declared length', { declaredBytes: 9 }, body],
  ] as const satisfies readonly (readonly [string, Sent, Buffer])[]) {
    it(`is refused with ${what}, and the first one stays`, async () => {
      const key = fixture.newKey();
      const first = await fixture.send(body, { key });
      await assert.rejects(fixture.send(otherBody, { key, ...other }), { type: 'idempotency-key-reused' });
      assert.equal((await fixture.send(body, { key })).record.id, first.record.id);
    });
  }

  it('is another file for another owner', async () => {
    const key = fixture.newKey();
    const { record } = await fixture.send(body, { key });
    const other = await fixture.send(Buffer.from('other'), { key, owner: 'org:1' as Principal });
    assert.equal(other.replayed, false);
    assert.notEqual(other.record.id, record.id);
  });

  it('never has its key, owner or file name in the name of an object', async () => {
    await fixture.send(body, { key: 'secret-key', fileName: 'secret-name' });
    const { objects } = await fixture.bucket('permanent').list({ prefix: '', maxResults: 1000 });
    for (const { name } of objects) {
      assert.match(name, /^((files|verdicts)\/[0-9a-v]{43}|idempotency\/[0-9a-f]{64})$/);
    }
  });

  it('is new after 24 hours, though its key is still there', async () => {
    const key = fixture.newKey();
    const first = await fixture.send(body, { key, now: () => new Date(Date.now() - 24 * HOUR) });
    const other = await fixture.send(Buffer.from('another'), { key });
    assert.equal(other.replayed, false);
    assert.notEqual(other.record.id, first.record.id);
    assert.equal((await fixture.send(Buffer.from('another'), { key })).record.id, other.record.id);
    assert.ok(
      (await fixture.live()).some(({ id }) => id === first.record.id),
      'the first one stays',
    );
  });

  it('is new where its record was collected', async () => {
    const key = fixture.newKey();
    const { record } = await fixture.send(body, { key });
    const object = await fixture.bucket('permanent').stat(`files/${record.id}`);
    assert.ok(object);
    await fixture.bucket('permanent').delete(object.name, object);
    assert.equal((await fixture.send(Buffer.from('another'), { key })).replayed, false);
  });

  it('is new where somebody damaged its key', async () => {
    const key = fixture.newKey();
    await fixture.send(body, { key });
    const { objects } = await fixture.bucket('permanent').list({ prefix: 'idempotency/', maxResults: 1000 });
    for (const object of objects)
      await fixture.bucket('permanent').patch(object.name, object, { fileId: '?' });
    assert.equal((await fixture.send(body, { key })).replayed, false);
  });

  it('waits for another that is about to end', async () => {
    const key = fixture.newKey();
    const held = Promise.withResolvers<void>();
    const claimed = Promise.withResolvers<void>();
    // The third call writes the record: the key is claimed by then.
    const first = fixture.send(body, {
      key,
      storage: async (call, at) => {
        if (at === 3) {
          claimed.resolve();
          await held.promise;
        }
        return call();
      },
    });
    await claimed.promise;
    const second = fixture.send(body, {
      key,
      patienceMs: 60_000,
      storage: (call, at) => {
        if (at > 3) held.resolve();
        return call();
      },
    });
    assert.equal((await second).record.id, (await first).record.id);
    assert.equal((await second).replayed, true);
  });

  for (const [step, at] of [
    ['the record', 3],
    ['the object', 4],
  ] as const) {
    it(`that is taken for dead before it wrote ${step} answers with the file of the other`, async () => {
      await fixture.empty();
      const key = fixture.newKey();
      let other: string | undefined;
      const slow = await fixture.send(body, {
        key,
        storage: async (call, now) => {
          if (now === at) other = (await fixture.send(body, { key })).record.id;
          return call();
        },
      });
      assert.ok(other);
      assert.deepEqual([slow.record.id, slow.replayed], [other, true]);
      await fixture.scan();
      assert.deepEqual(
        (await fixture.live()).map(({ id }) => id),
        [other],
      );
    });
  }

  it('that a repeat confirms before it does so itself is one file', async () => {
    const key = fixture.newKey();
    let other: string | undefined;
    const slow = await fixture.send(body, {
      key,
      storage: async (call, at) => {
        if (at === 5) other = (await fixture.send(body, { key })).record.id;
        return call();
      },
    });
    assert.ok(other);
    assert.deepEqual([slow.record.id, slow.replayed], [other, false]);
  });

  it('is the file that a repeat has confirmed where its own answer to the last write is lost', async () => {
    const key = fixture.newKey();
    let other: string | undefined;
    const slow = await fixture.send(body, {
      key,
      storage: async (call, at) => {
        if (at !== 4) return call();
        await call();
        other = (await fixture.send(body, { key })).record.id;
        throw new StorageError('objects.insert', { status: 403, reason: 'forbidden' });
      },
    });
    assert.deepEqual([slow.record.id, slow.replayed], [other, false]);
    assert.ok((await fixture.live()).some(({ id }) => id === other));
  });

  it('that is taken for dead by one that never ends is told to come again', async () => {
    const key = fixture.newKey();
    const slow = fixture.send(body, {
      key,
      storage: async (call, at) => {
        if (at === 4)
          await assert.rejects(fixture.send(body, { key, storage: failingAt(14, 'before', true) }));
        return call();
      },
    });
    await assert.rejects(slow, { type: 'idempotency-in-progress' });
    assert.equal((await fixture.send(body, { key })).replayed, false);
  });

  it('that keeps losing its key is told to come again', async () => {
    const key = fixture.newKey();
    const storage = async (call: () => Promise<unknown>) => {
      await fixture.steal(key);
      WRITE_CLOCK.tick();
      return call();
    };
    await assert.rejects(fixture.send(body, { key, storage }), { type: 'idempotency-in-progress' });
    assert.equal((await fixture.send(body, { key })).replayed, false);
  });

  it('outlasts a Cloud Storage that takes no second write to its record for a while', async () => {
    const refusals = [5, 6, 7, 8, 9, 10];
    const { record, replayed } = await fixture.send(body, {
      key: fixture.newKey(),
      storage: async (call, at) => {
        if (!refusals.includes(at)) return call();
        throw new StorageError('objects.patch', { status: 429, reason: 'rateLimitExceeded' });
      },
    });
    assert.deepEqual([record.state, replayed], ['pending', false]);
    assert.ok(!('tentative' in record));
  });

  describe('after any failure, when repeated', () => {
    beforeEach(() => fixture.empty());

    for (const [what, bytes, calls] of [
      ['small', body, 5],
      ['large', randomBytes(CHUNK_BYTES * 2 + 1), 8],
    ] as const) {
      for (let at = 1; at <= calls; at++) {
        for (const when of ['before', 'after'] as const) {
          for (const then of ['goes on', 'dies', 'dies, and the scanner is quick'] as const) {
            it(`is one file: ${what}, call ${at} fails ${when} it took effect, and the process ${then}`, async () => {
              const key = fixture.newKey();
              const storage = failingAt(at, when, then !== 'goes on');
              await assert.rejects(fixture.send(bytes, { key, storage }), { name: 'StorageError' });
              if (then.endsWith('quick')) await fixture.scan();
              const { record } = await fixture.send(bytes, { key });
              const again = await fixture.send(bytes, { key });
              assert.deepEqual([again.record.id, again.replayed], [record.id, true]);
              assert.deepEqual(
                (await fixture.live()).map(({ id }) => id),
                [record.id],
              );
              await fixture.scan();
              assert.deepEqual(
                (await fixture.live()).map(({ id, state }) => [id, state]),
                [[record.id, 'clean']],
              );
            });
          }
        }
      }
    }

    it('makes as many calls as these tests let fail', async () => {
      for (const [bytes, calls] of [
        [body, 5],
        [randomBytes(CHUNK_BYTES * 2 + 1), 8],
      ] as const) {
        let made = 0;
        const storage = (call: () => Promise<unknown>, at: number) => {
          made = at;
          return call();
        };
        await fixture.send(bytes, { key: fixture.newKey(), storage });
        assert.equal(made, calls);
      }
    });

    it('is one file, however many are sent at once', async () => {
      for (let round = 0; round < 30; round++) {
        await fixture.empty();
        const storage = async (call: () => Promise<unknown>) => {
          await delay(randomInt(4));
          return call();
        };
        const patienceMs = round % 2 === 0 ? 2_000 : 10;
        const sending = Array.from({ length: 5 }, () => fixture.send(body, { storage, patienceMs }));
        const answers = await Promise.allSettled(sending);
        const ids = answers.flatMap((answer) =>
          answer.status === 'fulfilled' ? [answer.value.record.id] : [],
        );
        for (const answer of answers) {
          if (answer.status === 'rejected') assert.equal(answer.reason.type, 'idempotency-in-progress');
        }
        const { record } = await fixture.send(body);
        await fixture.scan();
        assert.deepEqual(new Set([...ids, record.id]), new Set((await fixture.live()).map(({ id }) => id)));
        assert.equal((await fixture.live()).length, 1);
      }
    });
  });
});

describe('idempotency keys under a retention policy', () => {
  const fixture = new OnceFixture();
  const body = Buffer.from('the body');
  before(async () => {
    const json = { retentionPolicy: { retentionPeriod: '3600' } };
    (await fixture.storage.call('PATCH', '/storage/v1/b/permanent', { json })).ok();
  });

  it('are taken over from the dead and from the old, without a deletion', async () => {
    const key = fixture.newKey();
    for (const at of [3, 4]) {
      await assert.rejects(fixture.send(body, { key, storage: failingAt(at, 'before', true) }));
    }
    const old = await fixture.send(body, { key, now: () => new Date(Date.now() - 24 * HOUR) });
    const { record } = await fixture.send(body, { key });
    assert.notEqual(record.id, old.record.id);
    assert.equal((await fixture.send(body, { key })).record.id, record.id);
    assert.deepEqual(
      new Set((await fixture.live()).map(({ id }) => id)),
      new Set([old.record.id, record.id]),
    );
    assert.equal(fixture.storage.emulator.operations.of('objects.delete').calls, 0);
  });
});
