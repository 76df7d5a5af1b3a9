import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { text } from 'node:stream/consumers';
import { OWNER, Service } from '../support/service.ts';
import { idOf, OFFSET_TYPE, TusRequests } from '../support/tus.ts';

const VIEWER = 'org:974652269';
const FUTURE = new Date(Date.now() + 3_600_000).toISOString();

describe('input that a route would ignore', () => {
  const service = new Service();
  const tus = new TusRequests(service);

  async function refused(response: Response, named: RegExp): Promise<void> {
    const problem = await response.text();
    assert.equal(response.status, 400, problem);
    assert.match(problem, /\/problems\/invalid-request/);
    assert.match(problem, named);
  }

  it('is refused as a parameter of a listing that is misspelt, or given twice', async () => {
    const { id } = await service.upload('to be listed');
    const lists = ['/files', `/files/${id}/receipts`, `/files/${id}/references`];
    for (const query of ['Limit=1', 'limit=1&limit=2', 'curser=x']) {
      for (const list of lists)
        await refused(await service.call('GET', `${list}?${query}`), /query parameter/);
    }
    for (const query of ['correlationid=a', 'State=infected', 'Owner=org:1', 'shared=with-me&shared=with-me'])
      await refused(await service.call('GET', `/files?${query}`), /query parameter/);
    const own = await service.call('GET', '/files?state=pending&state=clean&limit=1');
    assert.equal(own.status, 200);
  });

  it('is refused as a parameter of a change, which then does not happen', async () => {
    const { id } = await service.upload('to be shared');
    const grant = await service.call('PUT', `/files/${id}/viewers/${VIEWER}?until=${FUTURE}`);
    await refused(grant, /until/);
    await refused(await service.call('DELETE', `/files/${id}?if-match=%22x%22`), /if-match/);
    const viewers = await service.call('GET', `/files/${id}/viewers`);
    assert.deepEqual(await viewers.json(), { owner: OWNER, viewers: [], until: {} });
    for (const path of ['/files', '/uploads', '/uploads/direct']) {
      const headers = { 'tus-resumable': '1.0.0', 'upload-length': '0' };
      await refused(await service.call('POST', `${path}?expiresAt=${FUTURE}`, { headers }), /expiresAt/);
    }
  });

  it('is refused as a parameter of the sweeper that is misspelt, or given twice', async () => {
    for (const query of ['Condemn=why', 'Estimate', 'condemn=one&condemn=two'])
      await refused(
        await service.sweeper(`/hunt?${query}`, { as: 'operator', body: 'a'.repeat(64) }),
        /parameter/,
      );
    await refused(await service.sweeper('/quarantine?After=x', { as: 'operator', method: 'GET' }), /After/);
    await refused(await service.sweeper('/rescans?Job=x', { as: 'operator', method: 'GET' }), /Job/);
  });

  it('is refused as a parameter of the sweeper that has no effect beside others, or in an order', async () => {
    const from = Buffer.from('{}').toString('base64url');
    for (const query of ['estimate&condemn=why', `estimate&from=${from}`])
      await refused(
        await service.sweeper(`/hunt?${query}`, { as: 'operator', body: 'a'.repeat(64) }),
        /estimate/,
      );
    const body = JSON.stringify({ job: 'one', everything: true });
    await refused(await service.sweeper('/rescans?job=two', { as: 'operator', body }), /in the body/);
  });

  it('is refused as a header of another way to upload', async () => {
    const digest = `sha-256=:${Buffer.alloc(32).toString('base64')}:`;
    const described = {
      'expires-at': FUTURE,
      'correlation-id': 'order-1',
      'callback-url': 'http://127.0.0.1:9090/',
      'content-disposition': 'attachment; filename=a.txt',
      'idempotency-key': 'once',
    };
    for (const [name, value] of Object.entries({ ...described, 'content-digest': digest })) {
      const created = await tus.send('POST', '/uploads', {
        headers: { 'upload-length': '5', [name]: value },
      });
      await refused(created, new RegExp(name, 'i'));
    }
    for (const [name, value] of Object.entries({ ...described, 'repr-digest': digest })) {
      const headers = { 'content-type': 'application/json', [name]: value };
      const ordered = await service.call('POST', '/uploads/direct', { headers, body: '{"size":5}' });
      await refused(ordered, new RegExp(name, 'i'));
    }
    const path = await tus.create({ 'upload-length': '5' });
    for (const name of ['content-digest', 'repr-digest']) {
      const headers = { ...OFFSET_TYPE, 'upload-offset': '0', [name]: digest };
      await refused(await tus.send('PATCH', path, { headers, body: 'hello' }), new RegExp(name, 'i'));
    }
    const part = { 'upload-length': '5', 'upload-concat': 'partial', 'repr-digest': digest };
    await refused(await tus.send('POST', '/uploads', { headers: part }), /Repr-Digest/);
    assert.equal(await tus.offset(path), 0);
  });

  it('is refused as a header that says that a body is not the whole file', async () => {
    const headers = [
      { 'upload-length': '100' },
      { 'upload-defer-length': '1' },
      { 'upload-offset': '50' },
      { 'upload-incomplete': '?1' },
      { 'upload-checksum': 'sha1 AAAA' },
    ];
    for (const header of headers) {
      const posted = await service.call('POST', '/files', { headers: header, body: 'a half' });
      await refused(posted, /Upload-/);
    }
    // A client of tus with another address than ours.
    const created = await tus.send('POST', '/files', { headers: { 'upload-length': '5' } });
    await refused(created, /\/uploads/);
  });

  it('is refused as a range or a condition of an upload in every way', async () => {
    const path = await tus.create({ 'upload-length': '5' });
    const parts = { 'upload-complete': '?0' };
    const begun = await service.call('POST', '/files', { headers: parts });
    const resumable = begun.headers.get('location') ?? '';
    const part = {
      'content-type': 'application/partial-upload',
      'upload-offset': '0',
      'upload-complete': '?0',
    };
    const refusedHeaders = {
      'content-range': 'bytes 0-4/10',
      'if-match': '"another"',
      'if-none-match': '*',
      'if-unmodified-since': 'Thu, 01 Jan 1970 00:00:00 GMT',
    };
    for (const [name, value] of Object.entries(refusedHeaders)) {
      const named = new RegExp(`${name} has no effect`, 'i');
      const header = { [name]: value };
      const body = 'hello';
      await refused(await service.call('POST', '/files', { headers: header, body }), named);
      const first = { headers: { ...parts, ...header }, body };
      await refused(await service.call('POST', '/files', first), named);
      const created = { ...OFFSET_TYPE, 'upload-length': '5', ...header };
      await refused(await tus.send('POST', '/uploads', { headers: created, body }), named);
      const added = { ...OFFSET_TYPE, 'upload-offset': '0', ...header };
      await refused(await tus.send('PATCH', path, { headers: added, body }), named);
      const next = { headers: { ...part, ...header }, body };
      await refused(await service.call('PATCH', resumable, next), named);
      const order = { headers: { 'content-type': 'application/json', ...header }, body: '{"size":5}' };
      await refused(await service.call('POST', '/uploads/direct', order), named);
    }
    assert.equal(await tus.offset(path), 0);
    const standing = await service.call('HEAD', resumable);
    assert.equal(standing.headers.get('upload-offset'), '0');
  });

  it('is refused as a header that is there twice', async () => {
    const authorization = `Bearer ${await service.platform.token(OWNER)}`;
    const twice = [
      ['content-type', 'text/plain', 'text/html'],
      ['content-disposition', 'attachment; filename=a.txt', 'attachment; filename=b.txt'],
      ['correlation-id', 'one', 'two'],
      ['callback-url', 'http://127.0.0.1:9090/1', 'http://127.0.0.1:9090/2'],
    ] as const;
    for (const [name, ...values] of twice) {
      const sent = request(`${service.url}/files`, {
        method: 'POST',
        headers: { authorization, [name]: values },
      });
      sent.end('twice');
      const [response] = (await once(sent, 'response')) as [IncomingMessage];
      assert.equal(response.statusCode, 400, name);
      assert.match(await text(response), new RegExp(name));
    }
  });

  it('is refused as a content coding of an order of a direct session', async () => {
    const headers = { 'content-type': 'application/json', 'content-encoding': 'gzip' };
    const ordered = await service.call('POST', '/uploads/direct', { headers, body: '{"size":5}' });
    assert.equal(ordered.status, 415);
    assert.match(await ordered.text(), /\/problems\/unsupported-encoding/);
  });

  it('is refused as a member of an order that there is not, in words of the API', async () => {
    const orders = [
      ['{"size":5,"filename":"a.txt"}', /"filename\\" is not a known member\./],
      ['{}', /"size should be a whole number of bytes\."/],
      ['null', /"The body should be a JSON object\."/],
      ['"x"', /"The body should be a JSON object\."/],
    ] as const;
    for (const [body, named] of orders) {
      const headers = { 'content-type': 'application/json' };
      await refused(await service.call('POST', '/uploads/direct', { headers, body }), named);
    }
  });

  it('is refused as a content coding of tus', async () => {
    const path = await tus.create({ 'upload-length': '5' });
    for (const coding of ['br', 'gzip', 'identity, gzip']) {
      const coded = { ...OFFSET_TYPE, 'content-encoding': coding };
      const added = await tus.send('PATCH', path, {
        headers: { ...coded, 'upload-offset': '0' },
        body: 'hello',
      });
      assert.equal(added.status, 415);
      const created = await tus.send('POST', '/uploads', {
        headers: { ...coded, 'upload-length': '5' },
        body: 'hello',
      });
      assert.equal(created.status, 415);
    }
    assert.equal(await tus.offset(path), 0);
  });

  it('is refused as a condition on the end of an upload', async () => {
    const { id } = await service.upload('to be kept');
    const condition = { headers: { 'if-match': '"another"' } };
    await refused(await tus.send('DELETE', `/uploads/${id}`, condition), /If-Match/);
    await refused(await service.call('DELETE', `/uploads/resumable/${id}`, condition), /If-Match/);
    for (const name of ['if-none-match', 'if-unmodified-since']) {
      const unchecked = { headers: { [name]: '*' } };
      await refused(await tus.send('DELETE', `/uploads/${id}`, unchecked), /no effect/);
      await refused(await service.call('DELETE', `/uploads/resumable/${id}`, unchecked), /no effect/);
    }
    assert.equal((await service.decided(id)).state, 'clean');
  });

  it('is refused as a condition that a change does not check', async () => {
    const { id } = await service.upload('to be changed');
    const json = { 'content-type': 'application/json' };
    const body = JSON.stringify({ expiresAt: FUTURE });
    const [reference, end] = [`/files/${id}/references/urn%3Ax%3A1`, `/files/${id}/expiration`];
    const changes: readonly (readonly [string, string, Record<string, string>, string?])[] = [
      ['PUT', `/files/${id}/viewers/${VIEWER}`, { 'if-none-match': '*' }],
      ['PUT', end, { ...json, 'if-none-match': '*' }, body],
      ['DELETE', `/files/${id}`, { 'if-unmodified-since': 'Thu, 01 Jan 1970 00:00:00 GMT' }],
      ['PUT', reference, { 'if-match': '"another"' }],
      ['DELETE', reference, { 'if-match': '"another"' }],
      ['POST', `/files/${id}/rescan`, { 'if-match': '"another"' }],
    ];
    for (const [method, path, headers, sent] of changes) {
      await refused(await service.call(method, path, { headers, ...(sent && { body: sent }) }), /no effect/);
    }
    const viewers = await service.call('GET', `/files/${id}/viewers`);
    assert.deepEqual(await viewers.json(), { owner: OWNER, viewers: [], until: {} });
    assert.equal((await service.decided(id)).expiresAt, undefined);
  });

  it('is refused as one of two ends of the same grant', async () => {
    const { id } = await service.upload('to be shared once');
    const grant = [VIEWER, { principal: VIEWER, until: FUTURE }];
    for (const both of [grant, grant.toReversed()]) {
      const body = JSON.stringify({ grant: both });
      await refused(await service.call('PATCH', `/files/${id}/viewers`, { body }), /granted twice/);
    }
    const repeated = JSON.stringify({ grant: [VIEWER, VIEWER] });
    assert.equal((await service.call('PATCH', `/files/${id}/viewers`, { body: repeated })).status, 204);
  });

  it('is no digest of the whole of a tus upload, which has to match', async () => {
    const announced = {
      'upload-length': '5',
      'repr-digest': `sha-256=:${Buffer.alloc(32).toString('base64')}:`,
    };
    const path = await tus.create(announced);
    const headers = { ...OFFSET_TYPE, 'upload-offset': '0' };
    const added = await tus.send('PATCH', path, { headers, body: 'hello' });
    assert.equal(added.status, 400);
    assert.match(await added.text(), /\/problems\/digest-mismatch/);
    const status = await service.call('GET', `/files/${idOf(path)}/status`);
    assert.match(await status.text(), /"state":"expired"/);
    const weaker = {
      'upload-length': '5',
      'repr-digest': `sha-512=:${Buffer.alloc(64).toString('base64')}:`,
    };
    await refused(await tus.send('POST', '/uploads', { headers: weaker }), /sha-256/);
  });
});
