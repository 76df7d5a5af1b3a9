import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { parse } from 'yaml';
import { outsideContract } from '../support/contract.ts';
import { eventually, Service } from '../support/service.ts';

describe('the contract', () => {
  const service = new Service();

  it('is served, to everybody', async () => {
    const response = await service.call('GET', '/openapi.json', { as: '' });
    assert.equal(response.status, 200);
    assert.deepEqual(await response.json(), parse(await readFile('openapi.yaml', 'utf8')));
  });

  it('of the events is served too, with schemas that resolve from it', async () => {
    const response = await service.call('GET', '/asyncapi.json', { as: '' });
    assert.equal(response.headers.get('cache-control'), 'public, max-age=300');
    const text = await response.text();
    const references = [...text.matchAll(/"\$ref":"(\.[^"]+)"/g)].map(([, reference = '']) => reference);
    assert.equal(references.length, (await readdir('shared/events/schemas')).length);
    for (const reference of references) {
      const { pathname } = new URL(reference, response.url);
      const schema = await service.call('GET', pathname, { as: '' });
      assert.equal(schema.headers.get('content-type'), 'application/schema+json');
      assert.equal(((await schema.json()) as { $id: string }).$id, pathname);
    }
  });

  it('has an address in every event, at which its schema is', async () => {
    const { id } = await service.upload('Hello');
    const { attributes } = await eventually(async () =>
      (await service.events()).find(({ data }) => data.fileId === id),
    );
    const schema = await fetch(attributes['ce-dataschema'] ?? '');
    assert.equal(schema.status, 200);
    assert.equal(((await schema.json()) as { title: string }).title, 'scan.completed');
  });

  it('has no schema by another name', async () => {
    for (const name of ['none.v1.json', 'toString', '..%2Fopenapi.json']) {
      assert.equal((await service.call('GET', `/schemas/${name}`, { as: '' })).status, 404);
    }
  });

  it('takes GET alone', async () => {
    for (const path of [
      '/openapi.json',
      '/asyncapi.json',
      '/schemas/verdict.v1.json',
      '/.well-known/jwks.json',
    ])
      assert.equal((await service.call('PUT', path)).status, 405);
  });

  it('is what every answer in these tests is held to', async () => {
    const answer = (status: number, body: unknown, type = 'application/json') =>
      new Response(JSON.stringify(body), { status, headers: { 'content-type': type } });
    const path = '/files/dul5o97iubnr643anjrka7ngal8gr9hlvnloro5f8vi/status';
    const problem = { type: 'urn:hops-fileshare:problem:not-found', title: 'x', status: 404 };
    const outside = async (response: Response) => (await outsideContract('GET', path, response)).length > 0;
    assert.equal(await outside(answer(404, problem, 'application/problem+json')), false);
    assert.equal(await outside(answer(404, problem)), true);
    assert.equal(
      await outside(answer(404, { ...problem, type: 'about:blank' }, 'application/problem+json')),
      true,
    );
    assert.equal(await outside(answer(401, { ...problem, status: 401 }, 'application/problem+json')), true);
    assert.equal(await outside(answer(200, { id: 'x' })), true);
    assert.equal(await outside(answer(418, {})), true);
  });
});
