import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { parse } from 'yaml';
import { EXPLANATIONS } from '../../functions/files/problem-explanations.ts';
import { PROBLEMS, type ProblemType, problemUri } from '../../shared/http/problems.ts';
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

  it('has no problem type by another name', async () => {
    for (const name of ['none', 'toString', 'Not-Found', 'not-found/x']) {
      assert.equal((await service.call('GET', `/problems/${name}`, { as: '' })).status, 404);
    }
  });

  it('explains every problem at its address, to everybody', async () => {
    for (const type of Object.keys(PROBLEMS) as ProblemType[]) {
      const response = await service.call('GET', `/problems/${type}`, { as: '' });
      assert.deepEqual(
        ['cache-control', 'access-control-allow-origin', 'vary', 'content-type'].map((name) =>
          response.headers.get(name),
        ),
        ['public, max-age=300', '*', 'Accept', 'application/json'],
      );
      const { explanation, ...document } = (await response.json()) as Record<string, string>;
      const { status, title } = PROBLEMS[type];
      assert.deepEqual(document, { type: problemUri(type, service.filesUrl), title, status });
      assert.match(explanation ?? '', /^[A-Z`].*\.$/);
      assert.doesNotMatch(explanation ?? '', /\]\(/, 'links of the documentation lead nowhere here');
    }
  });

  it('explains a problem in text to a browser', async () => {
    const headers = { accept: 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8' };
    const response = await service.call('GET', '/problems/file-deleted', { as: '', headers });
    assert.equal(response.headers.get('content-type'), 'text/plain; charset=utf-8');
    const type = `${service.filesUrl}/problems/file-deleted`;
    const { title, status } = PROBLEMS['file-deleted'];
    const lines = [title, '', `Status: ${status}`, `Type: ${type}`, '', EXPLANATIONS['file-deleted'], ''];
    assert.equal(await response.text(), lines.join('\n'));
  });

  it('takes GET alone', async () => {
    for (const path of [
      '/openapi.json',
      '/asyncapi.json',
      '/schemas/verdict.v1.json',
      '/problems/not-found',
      '/.well-known/jwks.json',
    ])
      assert.equal((await service.call('PUT', path)).status, 405);
  });

  it('is what every answer in these tests is held to', async () => {
    const answer = (status: number, body: unknown, type = 'application/json') =>
      new Response(JSON.stringify(body), { status, headers: { 'content-type': type } });
    const path = '/files/dul5o97iubnr643anjrka7ngal8gr9hlvnloro5f8vi/status';
    const problem = { type: '/problems/not-found', title: 'x', status: 404 };
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
