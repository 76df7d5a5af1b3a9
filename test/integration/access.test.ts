import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { eventually, OWNER, Service } from '../support/service.ts';

describe('access by role', () => {
  const service = new Service();
  let id: string;
  before(async () => {
    id = (await service.upload('private')).id;
    await service.decided(id);
  });

  it('a stranger gets the same 404 for a file of others as for none and for what is no id', async () => {
    const answers = [];
    for (const file of [id, id.slice(0, -1) + (id.endsWith('0') ? '1' : '0'), 'nonsense', '..%2f..']) {
      for (const path of [`/files/${file}`, `/files/${file}/status`]) {
        const response = await service.call('GET', path, { as: 'org:111111111' });
        answers.push([response.status, await response.text()]);
      }
    }
    for (const answer of answers) assert.deepEqual(answer, answers[0]);
    assert.equal(answers[0]?.[0], 404);
  });

  it('nobody gets 401 with a challenge, and no error code', async () => {
    for (const [method, path] of [
      ['POST', '/files'],
      ['GET', `/files/${id}`],
      ['GET', `/files/${id}/status`],
    ] as const) {
      const response = await service.call(method, path, { as: '' });
      assert.equal(response.status, 401);
      assert.equal(response.headers.get('www-authenticate'), 'Bearer realm="hops-fileshare"');
    }
  });

  it('a bad token gets 401 invalid_token', async () => {
    for (const authorization of ['Bearer x', 'Bearer a.b.c', `Bearer ${'x'.repeat(10_000)}`]) {
      const response = await service.call('GET', `/files/${id}`, { as: '', headers: { authorization } });
      assert.equal(response.status, 401, authorization.slice(0, 20));
      assert.match(response.headers.get('www-authenticate') ?? '', /error="invalid_token"/);
    }
  });

  it('a token without the scope gets 403 insufficient_scope', async () => {
    const reading = await service.call('POST', '/files', { body: 'x', scopes: ['read'] });
    const writing = await service.call('GET', `/files/${id}`, { scopes: ['write'] });
    for (const response of [reading, writing]) {
      assert.equal(response.status, 403);
      assert.match(response.headers.get('www-authenticate') ?? '', /error="insufficient_scope"/);
    }
  });

  it('a viewer in the record may read', async () => {
    const permanent = service.bucket('permanent');
    const record = await permanent.stat(`files/${id}`);
    assert.ok(record);
    await permanent.patch(record.name, record, { viewers: 'group:a org:222222222' });
    const response = await service.call('GET', `/files/${id}`, { as: 'org:222222222' });
    assert.deepEqual([response.status, await response.text()], [200, 'private']);
    assert.equal((await service.call('GET', `/files/${id}`, { as: 'org:22222222' })).status, 404);
    const as = 'user:somebody';
    for (const [groups, status] of [
      [['b', 'a'], 200],
      [['b'], 404],
      [[], 404],
    ] as const) {
      assert.equal((await service.call('GET', `/files/${id}`, { as, groups })).status, status, groups.join());
    }
  });

  it('a record that somebody damaged grants nothing', async () => {
    const { id: damaged } = await service.upload('x');
    await service.decided(damaged);
    const permanent = service.bucket('permanent');
    const record = await permanent.stat(`files/${damaged}`);
    assert.ok(record);
    await permanent.patch(record.name, record, { owner: 'not a principal' });
    assert.equal((await service.call('GET', `/files/${damaged}`)).status, 500);
  });

  describe('an upload', () => {
    for (const [what, headers, status] of [
      ['with a Content-Type that is none', { 'content-type': 'nonsense' }, 400],
      [
        'with a file name that is too long',
        { 'content-disposition': `attachment; filename="${'x'.repeat(600)}"` },
        400,
      ],
      ['with a content encoding', { 'content-encoding': 'gzip' }, 415],
    ] as const) {
      it(`${what} is refused with ${status}, and leaves nothing`, async () => {
        const before = await service.names('permanent', 'files/');
        const response = await service.call('POST', '/files', { body: 'x', headers });
        assert.equal(response.status, status);
        assert.match(response.headers.get('content-type') ?? '', /problem\+json/);
        assert.deepEqual(await service.names('permanent', 'files/'), before);
      });
    }

    it('of JSON arrives as its bytes, however it is spelled', async () => {
      const text = '{ "a" : 1 }\n';
      const { id: json } = await service.upload(text, { 'content-type': 'application/json' });
      await service.decided(json);
      assert.equal(await (await service.call('GET', `/files/${json}`)).text(), text);
    });

    it('that is cut short leaves nothing, small or large, with a length or chunked', async () => {
      const before = await service.names('permanent', 'files/');
      const token = await service.platform.token(OWNER);
      const head = `POST /files HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${token}\r\n`;
      const megabytes = Buffer.alloc(20_000_000, 1);
      for (const [framing, body] of [
        ['content-length: 100\r\n\r\n', Buffer.from('only this')],
        ['transfer-encoding: chunked\r\n\r\n', Buffer.from('5\r\nonly \r\n')],
        ['content-length: 30000000\r\n\r\n', megabytes],
      ] as const) {
        const socket = connect(Number(new URL(service.url).port), '127.0.0.1');
        socket.on('error', () => undefined);
        await once(socket, 'connect');
        socket.write(head + framing);
        await new Promise((resolve) => socket.write(body, resolve));
        socket.destroy();
      }
      await service.decided((await service.upload('after those')).id);
      const after = await service.names('permanent', 'files/');
      assert.equal(after.length, before.length + 1);
      await eventually(async () => (await service.names('unscanned')).length === 0);
    });

    it('that is refused is told so before it has sent its body', async () => {
      const socket = connect(Number(new URL(service.url).port), '127.0.0.1');
      await once(socket, 'connect');
      socket.write(
        'POST /files HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 30000000\r\n\r\n',
      );
      const [answer] = (await once(socket, 'data')) as [Buffer];
      assert.match(answer.toString(), /^HTTP\/1\.1 401 /);
      socket.destroy();
    });

    it('that expects 100-continue is told to go on once it is welcome', async () => {
      const token = await service.platform.token(OWNER);
      const socket = connect(Number(new URL(service.url).port), '127.0.0.1');
      await once(socket, 'connect');
      socket.write(
        `POST /files HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${token}\r\nexpect: 100-continue\r\ncontent-length: 2\r\n\r\n`,
      );
      const [go] = (await once(socket, 'data')) as [Buffer];
      assert.match(go.toString(), /^HTTP\/1\.1 100 /);
      socket.write('ok');
      const [answer] = (await once(socket, 'data')) as [Buffer];
      assert.match(answer.toString(), /^HTTP\/1\.1 202 /);
      socket.destroy();
    });
  });

  for (const [method, path, status] of [
    ['PUT', '/files', 405],
    ['POST', '/files/x', 405],
    ['PUT', '/files/x/status', 405],
    ['POST', '/files/x/viewers/y', 405],
    ['GET', '/files/x/y', 404],
    ['GET', '/elsewhere', 404],
    ['GET', '/files/%zz', 404],
    ['GET', '/files/%ff/status', 404],
  ] as const) {
    it(`${method} ${path} is a problem ${status}`, async () => {
      const response = await service.call(method, path);
      assert.equal(response.status, status);
      assert.match(response.headers.get('content-type') ?? '', /problem\+json/);
    });
  }
});
