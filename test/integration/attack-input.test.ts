import assert from 'node:assert/strict';
import { OWNER, Service } from '../support/service.ts';

const VIEWER = 'org:974652269';
const FUTURE = new Date(Date.now() + 3_600_000).toISOString();

describe('input that a route would ignore', () => {
  const service = new Service();

  async function refused(response: Response, named: RegExp): Promise<void> {
    const text = await response.text();
    assert.equal(response.status, 400, text);
    assert.match(text, /\/problems\/invalid-request/);
    assert.match(text, named);
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
});
