import assert from 'node:assert/strict';
import { Records } from '../../../shared/files/records.ts';
import { StorageError } from '../../../shared/storage/error.ts';
import { viewersNamed } from '../../support/records.ts';
import { CHUNK_BYTES, failingAt, OnceFixture } from './once-fixture.ts';

/** The calls of an upload: its record, and its object last; a session has two calls before. */
const COMMIT = { small: 2, large: 4 } as const;
const BODIES = { small: Buffer.from('the body'), large: Buffer.alloc(CHUNK_BYTES + 1, 'the body ') };

describe('an upload whose record is not written', () => {
  const fixture = new OnceFixture();
  afterEach(() => fixture.empty());
  const states = async () => (await fixture.records()).map(({ state }) => state);
  /** The call that inserts the record, beside the last one of the object. */
  const RECORD = { small: 1, large: 3 } as const;

  for (const kind of ['small', 'large'] as const) {
    it(`is refused, and its bytes are dropped by the scanner (${kind})`, async () => {
      const sending = fixture.sendPlain(BODIES[kind], failingAt(RECORD[kind], 'before', false));
      await assert.rejects(sending, { reason: 'injected' });
      assert.deepEqual(await states(), ['expired']);
    });

    it(`is accepted where it was written, and only the answer is lost (${kind})`, async () => {
      const { id } = await fixture.sendPlain(BODIES[kind], failingAt(RECORD[kind], 'after', false));
      await fixture.scan();
      assert.deepEqual(
        (await fixture.records()).map((record) => [record.id, record.state]),
        [[id, 'clean']],
      );
    });

    it(`is refused, and nobody finds its bytes, where no record can be written (${kind})`, async () => {
      const sending = fixture.sendPlain(BODIES[kind], async (call, at) => {
        if (at !== COMMIT[kind] && at >= RECORD[kind])
          throw new StorageError('any', { status: 403, reason: 'injected' });
        return call();
      });
      await assert.rejects(sending, { reason: 'injected' });
      assert.deepEqual(await states(), []);
    });

    it(`is refused, and leaves nothing, where its object is not made either (${kind})`, async () => {
      const sending = fixture.sendPlain(BODIES[kind], failingAt(RECORD[kind], 'before', true));
      await assert.rejects(sending, { reason: 'injected' });
      assert.deepEqual(await states(), []);
      const { objects } = await fixture.bucket('unscanned').list({ prefix: '', maxResults: 10 });
      assert.deepEqual(objects, []);
    });
  }
});

describe('an upload whose last answer is lost', () => {
  const fixture = new OnceFixture();
  const lost = new StorageError('objects.insert', { status: 412, reason: 'conditionNotMet' });
  afterEach(() => fixture.empty());

  for (const kind of ['small', 'large'] as const) {
    it(`is accepted where the scanner has decided it meanwhile (${kind})`, async () => {
      const { id } = await fixture.sendPlain(BODIES[kind], async (call, at) => {
        const answer = await call();
        if (at !== COMMIT[kind]) return answer;
        await fixture.scan();
        throw lost;
      });
      assert.deepEqual(
        (await fixture.records()).map((record) => [record.id, record.state]),
        [[id, 'clean']],
      );
    });

    it(`is refused where nobody knows, and the scanner drops it (${kind})`, async () => {
      const sending = fixture.sendPlain(BODIES[kind], async (call, at) => {
        const answer = await call();
        if (at === COMMIT[kind]) throw lost;
        return answer;
      });
      await assert.rejects(sending, lost);
      await fixture.scan();
      assert.deepEqual(
        (await fixture.records()).map(({ state }) => state),
        ['expired'],
      );
    });
  }

  it('is refused, and dropped by the scanner, also where the record was changed meanwhile', async () => {
    const sending = fixture.sendPlain(BODIES.small, async (call, at) => {
      const answer = await call();
      if (at !== COMMIT.small) return answer;
      const records = new Records(fixture.bucket('permanent'));
      const [pending] = await fixture.records();
      const read = (await records.get(pending?.id ?? assert.fail())) ?? assert.fail();
      await records.replace(read, { ...read.record, viewers: viewersNamed('org:1') });
      throw lost;
    });
    await assert.rejects(sending, lost);
    await fixture.scan();
    const states = (await fixture.records()).map(({ state, viewers }) => [state, viewers]);
    assert.deepEqual(states, [['expired', viewersNamed('org:1')]]);
  });

  it('is refused where its record cannot be read or written either', async () => {
    const sending = fixture.sendPlain(BODIES.small, async (call, at) => {
      if (at > COMMIT.small) throw new StorageError('any', { status: 403, reason: 'injected' });
      const answer = await call();
      if (at < COMMIT.small) return answer;
      await fixture.scan();
      throw lost;
    });
    await assert.rejects(sending, lost);
  });
});
