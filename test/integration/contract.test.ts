import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { parse } from 'yaml';
import { outsideContract } from '../support/contract.ts';
import { Service } from '../support/service.ts';

describe('the contract', () => {
  const service = new Service();

  it('is served, to everybody', async () => {
    const response = await service.call('GET', '/openapi.json', { as: '' });
    assert.equal(response.status, 200);
    assert.deepEqual(await response.json(), parse(await readFile('openapi.yaml', 'utf8')));
  });

  it('takes GET alone', async () => {
    assert.equal((await service.call('PUT', '/openapi.json')).status, 405);
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
