import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { overHosts } from '../support/over-hosts.ts';
import { Service } from '../support/service.ts';

const PAGE = 'https://app.example.no';
const TUS = { 'tus-resumable': '1.0.0' };

overHosts('a page on another origin', (hosts) => {
  const service = new Service({ HOSTS: hosts, CORS_ORIGINS: `${PAGE},https://*.pages.example.no` });
  const call = (method: string, path: string, init: object = {}, origin = PAGE) =>
    service.call(method, path, { ...init, headers: { ...TUS, origin } });
  const preflight = (path: string, method: string, origin: string, at = service.uploadUrl) =>
    fetch(at + path, {
      method: 'OPTIONS',
      headers: {
        origin,
        'access-control-request-method': method,
        'access-control-request-headers': 'authorization,correlation-id,traceparent,upload-offset',
      },
    });

  it('is asked for before authentication, and without a call to storage', async () => {
    await service.resetOperations();
    for (const [at, path, method] of [
      [service.uploadUrl, '/files', 'POST'],
      [service.uploadUrl, '/uploads', 'POST'],
      [service.uploadUrl, `/uploads/${'0'.repeat(43)}`, 'PATCH'],
      [service.uploadUrl, '/uploads/direct', 'POST'],
      [service.filesUrl, `/files/${'0'.repeat(43)}`, 'GET'],
      [service.filesUrl, `/files/${'0'.repeat(43)}/viewers`, 'PATCH'],
    ] as const) {
      const answer = await preflight(path, method, PAGE, at);
      const told = (name: string) => answer.headers.get(`access-control-${name}`);
      assert.deepEqual([answer.status, told('allow-origin')], [204, PAGE], path);
      assert.match(told('allow-methods') ?? '', new RegExp(`\\b${method}\\b`));
      assert.equal(told('allow-headers'), 'Authorization, *');
      assert.equal(told('max-age'), '7200');
      assert.equal(told('allow-credentials'), null);
      assert.equal(answer.headers.get('vary'), 'Origin');
    }
    const { operations } = await service.operations();
    assert.deepEqual(Object.keys(operations), []);
  });

  it('is allowed by a pattern, and is not where it only resembles one', async () => {
    const allowed = async (origin: string) =>
      (await preflight('/files', 'POST', origin)).headers.get('access-control-allow-origin');
    assert.equal(await allowed('https://a.pages.example.no'), 'https://a.pages.example.no');
    for (const origin of [
      'https://evil-pages.example.no',
      'http://a.pages.example.no',
      'null',
      'https://example.com',
    ]) {
      const answer = await preflight('/files', 'POST', origin);
      assert.deepEqual(
        [...answer.headers.keys()].filter((name) => name.startsWith('access-control-')),
        [],
        origin,
      );
      assert.equal(answer.headers.get('vary'), 'Origin');
    }
  });

  it('can read every answer, also problems', async () => {
    const { id } = await service.upload('hello');
    await service.decided(id);
    const unknown = '0'.repeat(43);
    const answers: [status: number, answer: Response][] = [
      [200, await call('GET', `/files/${id}`)],
      [200, await call('GET', `/files/${id}/status`)],
      [204, await call('OPTIONS', '/uploads')],
      [202, await call('POST', '/files', { body: randomBytes(10) })],
      [401, await call('GET', `/files/${id}`, { as: '' })],
      [401, await call('POST', '/files', { as: '', body: 'a' })],
      [404, await call('GET', `/files/${unknown}`)],
      [404, await call('HEAD', `/uploads/${unknown}`)],
      [405, await call('PUT', `/files/${id}`)],
      [405, await call('GET', '/uploads/direct')],
      [400, await call('POST', '/uploads')],
    ];
    for (const [status, answer] of answers) {
      const at = `${status} of ${answer.url}`;
      assert.equal(answer.status, status, at);
      assert.equal(answer.headers.get('access-control-allow-origin'), PAGE, at);
      assert.equal(answer.headers.get('access-control-expose-headers'), '*', at);
      assert.match(answer.headers.get('vary') ?? '', /^Origin\b/, at);
    }
    const file = answers[0]?.[1];
    assert.equal(file?.headers.get('vary'), 'Origin, Authorization');
  });

  it('can read that an upload is too large, and that the service failed', async () => {
    const headers = { ...TUS, origin: PAGE, 'upload-length': String(2 ** 50) };
    const large = await service.call('POST', '/uploads', { headers });
    assert.deepEqual([large.status, large.headers.get('access-control-allow-origin')], [413, PAGE]);
    await service.fault({
      operation: 'objects.list',
      times: 1,
      effect: { kind: 'error', status: 403 },
    });
    const failed = await call('GET', '/files');
    await service.clearFaults();
    assert.deepEqual([failed.status, failed.headers.get('access-control-allow-origin')], [500, PAGE]);
  });

  // At one host name, no front leads to a path that the framework answers itself.
  if (hosts === 'two') {
    it('can read what the framework refuses before our code', async () => {
      for (const at of [service.uploadUrl, service.filesUrl]) {
        const answer = await fetch(`${at}/favicon.ico`, { headers: { origin: PAGE } });
        assert.deepEqual([answer.status, answer.headers.get('access-control-allow-origin')], [404, PAGE]);
      }
    });
  }

  it('opens a direct session that its origin alone can use', async () => {
    const order = { body: '{"size": 4}' };
    const opened = await service.call('POST', '/uploads/direct', {
      ...order,
      headers: { origin: PAGE, 'content-type': 'application/json' },
    });
    const { uploadUrl } = (await opened.json()) as { uploadUrl: string };
    const sent = await fetch(uploadUrl, {
      method: 'PUT',
      body: 'abcd',
      headers: { origin: 'https://example.com' },
    });
    assert.deepEqual([sent.status, sent.headers.get('access-control-allow-origin')], [200, PAGE]);
  });
});

describe('a service that no page of another origin may use', () => {
  const service = new Service();

  it('has no header of that kind', async () => {
    for (const method of ['GET', 'OPTIONS']) {
      const headers = { origin: PAGE, 'access-control-request-method': 'GET' };
      const answer = await fetch(`${service.url}/files`, { method, headers });
      assert.equal(answer.headers.get('access-control-allow-origin'), null);
      assert.equal(answer.headers.get('vary'), null);
    }
  });
});
