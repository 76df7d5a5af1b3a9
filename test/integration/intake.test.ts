import assert from 'node:assert/strict';
import { randomBytes, randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Handle } from '../../shared/files/handle.ts';
import { named } from '../support/deployments.ts';
import { eventually, Service } from '../support/service.ts';
import { idOf, TusRequests } from '../support/tus.ts';

const REASON = 'The storage is moved <b>now</b>';
const STATE = 'deployment/state';

interface Answer {
  readonly intake: {
    readonly state: string;
    readonly reason?: string;
    readonly by?: string;
    readonly until?: string;
  };
  readonly notice?: { readonly text: string; readonly shown: boolean };
  readonly deployment?: { readonly name: string };
}

describe('a pause of the intake', () => {
  const service = new Service({}, { adapt: named('here') });
  const tus = new TusRequests(service);
  const bytes = randomBytes(2_000);

  async function order(method: string, path: string, body?: object): Promise<Answer> {
    const json = body && { body: JSON.stringify(body) };
    const response = await service.sweeper(path, { as: 'operator', method, ...json });
    assert.equal(response.status, 200, await response.clone().text());
    return (await response.json()) as Answer;
  }
  const told = async () => (await (await service.call('GET', '/notice', { as: '' })).json()) as Answer;
  const state = () => service.bucket('permanent').stat(STATE);
  const post = (headers: Record<string, string> = {}) =>
    service.call('POST', '/files', { body: bytes, headers: { 'content-type': 'text/plain', ...headers } });
  /** Resolves once all functions know of it. */
  async function pause(until?: string): Promise<void> {
    await order('POST', '/intake/pause', { reason: REASON, ...(until && { until }) });
    await eventually(async () => (await post()).status === 503);
    await eventually(async () => (await told()).intake.state === 'paused');
  }
  async function resume(): Promise<void> {
    await order('POST', '/intake/resume');
    await eventually(async () => (await post()).status === 202);
    await eventually(async () => (await told()).intake.state === 'open');
  }
  async function isRefused(answer: Promise<Response>): Promise<void> {
    const response = await answer;
    const problem = (await response.json()) as Record<string, unknown>;
    assert.deepEqual([response.status, problem['detail']], [503, REASON], JSON.stringify(problem));
    assert.match(String(problem['type']), /\/problems\/intake-paused$/);
    assert.equal(response.headers.get('retry-after'), '300');
  }

  afterEach(() => order('POST', '/intake/resume'));

  it('refuses a new upload in each way, and stores nothing of it', async () => {
    await pause();
    const before = [await service.names('unscanned'), await service.names('permanent', 'files/')];
    await isRefused(post());
    await isRefused(post({ 'idempotency-key': randomUUID() }));
    await isRefused(post({ 'upload-complete': '?0' }));
    await isRefused(post({ 'upload-complete': '?1', 'upload-draft-interop-version': '8' }));
    const created = { 'upload-length': '10' };
    await isRefused(tus.send('POST', '/uploads', { headers: created }));
    await isRefused(tus.send('POST', '/uploads', { headers: { ...created, 'upload-concat': 'partial' } }));
    const direct = { body: '{"size": 10}', headers: { 'content-type': 'application/json' } };
    await isRefused(service.call('POST', '/uploads/direct', direct));
    assert.deepEqual([await service.names('unscanned'), await service.names('permanent', 'files/')], before);
  });

  it('lets uploads be completed that were begun before it', async () => {
    await resume();
    const whole = await tus.create({ 'upload-length': '2000' }, bytes.subarray(0, 100));
    const partial = (length: number) =>
      tus.create({ 'upload-length': String(length), 'upload-concat': 'partial' }, bytes.subarray(0, 10));
    const parts = [await partial(10), await partial(20)];
    const begun = await post({ 'upload-complete': '?0' });
    const direct = await service.call('POST', '/uploads/direct', {
      body: JSON.stringify({ size: bytes.length }),
      headers: { 'content-type': 'application/json' },
    });
    const { uploadUrl, handle } = (await direct.json()) as { uploadUrl: string; handle: Handle };
    await pause();

    assert.equal((await tus.patch(whole, 100, bytes.subarray(100))).status, 204);
    assert.equal((await tus.patch(parts[1] ?? '', 10, bytes.subarray(0, 10))).status, 204);
    const concat = { 'upload-concat': `final;${parts.join(' ')}` };
    const final = await tus.send('POST', '/uploads', { headers: concat });
    assert.equal(final.status, 201, await final.clone().text());
    const rest = await service.call('PATCH', begun.headers.get('location') ?? '', {
      body: '',
      headers: {
        'content-type': 'application/partial-upload',
        'upload-offset': String(bytes.length),
        'upload-complete': '?1',
      },
    });
    assert.ok(rest.ok, await rest.clone().text());
    assert.equal((await fetch(uploadUrl, { method: 'PUT', body: bytes })).status, 200);
    const { id } = (await rest.json()) as Handle;
    const made = idOf(final.headers.get('location') ?? '');
    for (const file of [idOf(whole), made, id, handle.id]) {
      assert.equal((await service.decided(file)).state, 'clean');
    }
  });

  it('answers the repeat of an upload whose file was taken before it', async () => {
    await resume();
    const headers = { 'idempotency-key': randomUUID() };
    const first = await post(headers);
    await pause();
    const again = await post(headers);
    assert.ok(again.ok, await again.clone().text());
    assert.equal(again.headers.get('idempotency-replayed'), 'true');
    assert.equal(again.headers.get('location'), first.headers.get('location'));
  });

  it('changes nothing for downloads, scans and listings, nor for a caller without a token', async () => {
    await resume();
    await service.fault({ operation: 'notify', effect: { kind: 'error', status: 503 } });
    const waiting = ((await (await post()).json()) as Handle).id;
    await pause();
    await service.clearFaults();
    assert.equal((await service.decided(waiting)).state, 'clean');
    assert.equal((await service.call('GET', `/files/${waiting}`)).status, 200);
    assert.equal((await service.call('GET', '/files')).status, 200);
    assert.equal((await service.call('POST', '/files', { as: '', body: 'x' })).status, 401);
    assert.equal((await service.sweeper('/sweep')).status, 200);
  });

  it('is told to everybody, without the name of the operator', async () => {
    const until = new Date(Date.now() + 3_600_000).toISOString();
    await pause(until);
    await eventually(async () => (await told()).intake.until === until);
    const response = await service.call('GET', '/notice', { as: '' });
    assert.equal(response.headers.get('cache-control'), 'public, max-age=30');
    assert.equal(response.headers.get('access-control-allow-origin'), '*');
    assert.deepEqual(await response.json(), { intake: { state: 'paused', reason: REASON, until } });
    await eventually(async () => ((await (await post()).json()) as { until?: string }).until === until);
    assert.match((await order('GET', '/intake')).intake.by ?? '', /operator@/);
  });

  it('is over at its end without an order', async () => {
    await pause(new Date(Date.now() + 10_000).toISOString());
    await eventually(async () => (await post()).status === 202);
    assert.deepEqual((await told()).intake, { state: 'open' });
    assert.deepEqual((await order('GET', '/intake')).intake, { state: 'open' });
  });

  it('is written once for the same order, and replaced by another', async () => {
    await order('POST', '/intake/pause', { reason: REASON });
    const first = await state();
    await order('POST', '/intake/pause', { reason: REASON });
    assert.equal((await state())?.metageneration, first?.metageneration);
    assert.equal((await order('POST', '/intake/pause', { reason: 'Another' })).intake.reason, 'Another');
    await order('POST', '/intake/resume');
    const open = await state();
    assert.deepEqual((await order('POST', '/intake/resume')).intake, { state: 'open' });
    assert.equal((await state())?.metageneration, open?.metageneration);
  });

  it('is ordered once by two operators at the same time', async () => {
    service.contends();
    await Promise.all([1, 2, 3].map(() => order('POST', '/intake/pause', { reason: REASON })));
    assert.equal((await order('GET', '/intake')).intake.reason, REASON);
  });

  for (const [what, method, path, body] of [
    ['a pause without a reason', 'POST', '/intake/pause', {}],
    ['a pause that is over', 'POST', '/intake/pause', { reason: 'r', until: '2020-01-01T00:00:00Z' }],
    ['a pause until no time', 'POST', '/intake/pause', { reason: 'r', until: 'tomorrow' }],
    [
      'a pause until a day that there is not',
      'POST',
      '/intake/pause',
      { reason: 'r', until: '2099-02-30T00:00:00Z' },
    ],
    ['a notice of 501 characters', 'PUT', '/notice', { text: 'n'.repeat(501) }],
    ['a notice of an unknown level', 'PUT', '/notice', { text: 'n', level: 'loud' }],
    [
      'a notice that ends before it begins',
      'PUT',
      '/notice',
      { text: 'n', from: '2099-01-02T00:00:00Z', until: '2099-01-01T00:00:00Z' },
    ],
    ['a take-over from nobody', 'POST', '/deployment/adopt', {}],
  ] as const) {
    it(`is not ordered by what is no order: ${what}`, async () => {
      const response = await service.sweeper(path, { method, body: JSON.stringify(body) });
      assert.equal(response.status, 400, await response.clone().text());
      assert.equal((await order('GET', '/intake')).intake.state, 'open');
    });
  }

  it('is an operator’s alone to order', async () => {
    for (const [method, path] of [
      ['GET', '/intake'],
      ['POST', '/intake/pause'],
      ['POST', '/intake/resume'],
      ['PUT', '/notice'],
      ['DELETE', '/notice'],
      ['POST', '/deployment/adopt'],
    ] as const) {
      for (const as of ['schedule', 'push'] as const)
        assert.equal((await service.sweeper(path, { as, method })).status, 403);
    }
  });

  it('leaves audit lines of refused uploads, and no line of an error', async () => {
    await pause();
    await isRefused(post());
    const log = join(service.platform.status().data, 'logs', 'upload.log');
    const lines = readFileSync(log, 'utf8')
      .split('\n')
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line));
    assert.ok(lines.some(({ message, audit }) => message === 'audit' && audit.problem === 'intake-paused'));
    assert.deepEqual(
      lines.filter(({ severity }) => severity === 'ERROR'),
      [],
    );
  });

  describe('with a notice', () => {
    afterEach(() => order('DELETE', '/notice'));

    it('tells users its text from the beginning until the end', async () => {
      const [from, until] = [3_000, 15_000].map((ms) => new Date(Date.now() + ms).toISOString());
      const written = await order('PUT', '/notice', {
        text: 'Slow <i>today</i>',
        level: 'warning',
        from,
        until,
      });
      assert.equal(written.notice?.shown, false);
      const notice = await eventually(async () => (await told()).notice);
      assert.deepEqual(notice, { text: 'Slow <i>today</i>', level: 'warning', until });
      await eventually(async () => !(await told()).notice);
    });

    it('takes it back', async () => {
      await order('PUT', '/notice', { text: 'n' });
      await eventually(async () => (await told()).notice);
      assert.equal((await order('DELETE', '/notice')).notice, undefined);
      await eventually(async () => !(await told()).notice);
    });
  });

  it('leaves nothing that an audit finds broken', async () => {
    await order('POST', '/intake/pause', { reason: REASON });
    const { broken, complete } = await service.audit();
    assert.deepEqual([broken, complete], [{}, true]);
  });
});
