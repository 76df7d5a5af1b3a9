import assert from 'node:assert/strict';
import { parseMainOptions } from '../../../../../infra/emulators/storage/src/main-options.ts';
import type { CallInit, Reply } from '../../../../contract/storage/http.ts';
import { BUCKET, EmulatorFixture, objectPath } from '../emulator-fixture.ts';

const UPLOAD = `/upload/storage/v1/b/${BUCKET}/o`;

describe('storage emulator: one mutation a second to a name', () => {
  let now = Date.now();
  const fixture = new EmulatorFixture({ now: () => now, mutationLimit: true });
  const limited = (reply: Reply) => {
    const { error } = JSON.parse(reply.text);
    return reply.status === 429 && error.errors[0].reason === 'rateLimitExceeded';
  };
  beforeEach(async () => {
    now += 1000;
    await fixture.put('source', 'source');
    now += 1000;
    await fixture.put('x', 'first');
  });

  const mutations: Record<string, (query?: string) => Promise<Reply>> = {
    insert: (query = '') =>
      fixture.call('POST', `${UPLOAD}?uploadType=media&name=x${query}`, { body: 'second' }),
    patch: (query = '') => fixture.call('PATCH', `${objectPath('x')}?${query}`, { json: {} }),
    update: (query = '') => fixture.call('PUT', `${objectPath('x')}?${query}`, { json: {} }),
    delete: (query = '') => fixture.call('DELETE', `${objectPath('x')}?${query}`),
    rewrite: (query = '') =>
      fixture.call('POST', `${objectPath('source')}/rewriteTo/b/${BUCKET}/o/x?${query}`),
    copy: (query = '') => fixture.call('POST', `${objectPath('source')}/copyTo/b/${BUCKET}/o/x?${query}`),
    compose: (query = '') =>
      fixture.call('POST', `${objectPath('x')}/compose?${query}`, {
        json: { sourceObjects: [{ name: 'source' }] },
      }),
  };

  for (const [name, mutate] of Object.entries(mutations)) {
    it(`refuses ${name} within a second of the last mutation, whatever its preconditions, and takes it after`, async () => {
      now += 999;
      assert.ok(limited(await mutate()));
      assert.ok(limited(await mutate('&ifGenerationMatch=1')));
      now += 1;
      assert.ok((await mutate()).status < 300);
      assert.ok(limited((await mutations['insert']?.()) ?? assert.fail()));
    });
  }

  it('words the refusal as Google does', async () => {
    const reply = await fixture.call('DELETE', objectPath('x'));
    const message =
      `The object ${BUCKET}/x exceeded the rate limit for object mutation operations (create, update, and delete). ` +
      'Please reduce your request rate. See https://cloud.google.com/storage/docs/gcs429.';
    assert.deepEqual(JSON.parse(reply.text), {
      error: {
        code: 429,
        message,
        errors: [{ message, domain: 'usageLimits', reason: 'rateLimitExceeded' }],
      },
    });
  });

  it('counts neither reads, nor other names, nor mutations that changed nothing', async () => {
    assert.equal((await fixture.call('GET', objectPath('x'))).status, 200);
    assert.equal((await fixture.call('PATCH', objectPath('source'), { json: {} })).status, 200);
    now += 1000;
    const patch = (query: string) => fixture.call('PATCH', `${objectPath('x')}?${query}`, { json: {} });
    assert.equal((await patch('ifMetagenerationMatch=9')).status, 412);
    assert.equal((await patch('ifMetagenerationMatch=1')).status, 200);
  });

  it('keeps a session whose last chunk came too early', async () => {
    const uri = await fixture.session('name=x');
    const put = (range: string, init: CallInit = {}) =>
      fixture.call('PUT', uri, { ...init, headers: { 'content-range': range } });
    assert.ok(limited(await put('bytes 0-4/5', { body: 'chunk' })));
    now += 1000;
    assert.equal((await put('bytes */5')).ok().size, '5');
    const { text } = await fixture.call('GET', `${objectPath('x')}?alt=media`);
    assert.equal(text, 'chunk');
  });

  it('shows how many it refused', async () => {
    await fixture.call('DELETE', '/_emulator/operations');
    for (let tries = 0; tries < 3; tries++) await fixture.call('DELETE', objectPath('x'));
    const report = (await fixture.call('GET', '/_emulator/operations')).json;
    assert.equal(report['mutationsRefused'], 3);
    assert.deepEqual(report, JSON.parse(JSON.stringify(fixture.emulator.operations.report())));
  });

  it('is switched while it runs, and is on unless told otherwise', async () => {
    const order = (json: object) => fixture.call('PUT', '/_emulator/mutation-limit', { json });
    assert.equal((await order({ enabled: 'no' })).status, 400);
    assert.equal((await order({ enabled: false })).status, 204);
    await fixture.put('x', 'second');
    assert.equal((await order({ enabled: true })).status, 204);
    assert.equal(parseMainOptions({}, ['FOLDER=/f']).mutationLimit, true);
    assert.equal(parseMainOptions({ MUTATION_LIMIT: 'off' }, ['FOLDER=/f']).mutationLimit, false);
    assert.throws(() => parseMainOptions({ MUTATION_LIMIT: '1' }, ['FOLDER=/f']), /MUTATION_LIMIT should be/);
  });
});
