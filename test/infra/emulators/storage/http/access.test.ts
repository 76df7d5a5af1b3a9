import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Grant } from '../../../../../infra/emulators/common/iam/policy.ts';
import { Tokens } from '../../../../../infra/emulators/common/iam/tokens.ts';
import {
  type StorageEmulator,
  startStorageEmulator,
} from '../../../../../infra/emulators/storage/src/emulator.ts';
import { UNHURRIED } from '../../../../shared/storage/streams.ts';

const SECRET = 'a secret of the tests, long enough';
const ADMINISTRATOR = 'administrator@example.org';
const ACCOUNT = 'function@example.org';

describe('the grants of the storage emulator', () => {
  const folder = mkdtempSync(join(tmpdir(), 'fileshare-iam-'));
  const tokens = new Tokens(SECRET);
  let emulator: StorageEmulator;

  before(async () => {
    const iam = { secret: SECRET, administrator: ADMINISTRATOR, grants: [] };
    emulator = await startStorageEmulator({ folder, iam, buckets: ['b'], mutationLimit: UNHURRIED });
  });
  after(async () => {
    await emulator.stop();
    rmSync(folder, { recursive: true });
  });
  beforeEach(async () => {
    await grant();
    for (const name of ['in/1', 'in/2', 'out/1']) await insert(name, '', ADMINISTRATOR);
  });

  /** Gives ACCOUNT these permissions from now on, and no others. */
  async function grant(
    ...permissions: readonly (string | readonly [permission: string, ...prefixes: string[]])[]
  ) {
    const grants = permissions.map((each, at): Grant => {
      const [permission, ...prefixes] = typeof each === 'string' ? [each] : each;
      return {
        name: String(at),
        account: ACCOUNT,
        bucket: 'b',
        permissions: [`storage.objects.${permission}`],
        prefixes,
      };
    });
    const response = await fetch(`${emulator.url}/_emulator/iam`, {
      method: 'PUT',
      body: JSON.stringify({ grants }),
    });
    assert.equal(response.status, 200);
  }

  async function call(
    method: string,
    path: string,
    { as = ACCOUNT, body }: { as?: string; body?: string } = {},
  ) {
    const headers = {
      authorization: `Bearer ${await tokens.access(as)}`,
      'content-type': 'application/json',
    };
    return fetch(emulator.url + path, { method, headers, ...(body !== undefined && { body }) });
  }
  const insert = (name: string, query = '', as = ACCOUNT) =>
    call('POST', `/upload/storage/v1/b/b/o?uploadType=media&name=${encodeURIComponent(name)}${query}`, {
      as,
      body: 'x',
    });
  const object = (name: string): string => `/storage/v1/b/b/o/${encodeURIComponent(name)}`;
  const get = (name: string) => call('GET', object(name));
  const list = () => call('GET', '/storage/v1/b/b/o?prefix=in%2F');
  const rewrite = (to: string) =>
    call('POST', `${object('in/1')}/rewriteTo/b/b/o/${encodeURIComponent(to)}`, { body: '{}' });
  const compose = (to: string) =>
    call('POST', `${object(to)}/compose`, {
      body: JSON.stringify({ sourceObjects: [{ name: 'in/1' }, { name: 'in/2' }] }),
    });

  it('let nobody in without a token, or with one that is no good', async () => {
    const anonymous = await fetch(emulator.url + object('in/1'));
    assert.equal(anonymous.status, 401);
    const { error } = (await anonymous.json()) as { error: { message: string } };
    assert.match(error.message, /^Anonymous caller does not have storage\.objects\.get access/);
    const other = await new Tokens('another secret of the same length').access(ADMINISTRATOR);
    const identity = await tokens.identity(ADMINISTRATOR, 'https://example.org');
    for (const token of ['garbage', other, identity]) {
      const headers = { authorization: `Bearer ${token}` };
      assert.equal((await fetch(emulator.url + object('in/1'), { headers })).status, 401, token);
    }
  });

  it('refuse in the words of Cloud Storage', async () => {
    const response = await get('in/1');
    assert.equal(response.status, 403);
    const { error } = (await response.json()) as { error: { message: string; errors: unknown[] } };
    const message = `${ACCOUNT} does not have storage.objects.get access to the Google Cloud Storage object. Permission 'storage.objects.get' denied on resource (or it may not exist).`;
    assert.equal(error.message, message);
    assert.deepEqual(error.errors, [{ message, domain: 'global', reason: 'forbidden' }]);
  });

  it('hold below their prefixes alone, and let nobody list by a prefix', async () => {
    await grant(['get', 'in/'], ['list', 'in/']);
    assert.equal((await get('in/1')).status, 200);
    assert.equal((await get('out/1')).status, 403);
    assert.equal((await list()).status, 403);
    await grant('list');
    assert.equal((await list()).status, 200);
  });

  it('answer 403 in place of 404 without the permission to list', async () => {
    await grant('get', 'delete', 'update');
    for (const method of ['GET', 'DELETE', 'PATCH']) {
      assert.equal(
        (await call(method, object('none'), method === 'PATCH' ? { body: '{}' } : {})).status,
        403,
        method,
      );
    }
    await grant('get', 'list');
    assert.equal((await get('none')).status, 404);
  });

  for (const [what, permission, act] of [
    ['a patch', 'update', () => call('PATCH', object('in/1'), { body: '{}' })],
    ['a deletion', 'delete', () => call('DELETE', object('in/1'))],
    ['an insert', 'create', () => insert(`new-${Math.random()}`)],
    ['a download', 'get', () => call('GET', `${object('in/1')}?alt=media`)],
    ['a listing', 'list', list],
  ] as const) {
    it(`want ${permission} for ${what}`, async () => {
      await grant(...['create', 'delete', 'get', 'list', 'update'].filter((each) => each !== permission));
      assert.equal((await act()).status, 403);
      await grant(permission);
      assert.ok((await act()).ok);
    });
  }

  for (const [what, make] of [
    ['an insert', insert],
    ['a rewrite', rewrite],
    ['a composition', compose],
  ] as const) {
    it(`want delete as well where ${what} replaces, unless a precondition fails first`, async () => {
      await grant('create', 'get');
      assert.equal((await make('out/1')).status, 403);
      await grant('create', 'get', 'delete');
      assert.equal((await make('out/1')).status, 200);
      await grant('create', 'get');
      assert.equal((await make(`out/${Math.random()}`)).status, 200);
    });
  }

  it('answer 412 to a create-only account where a name is taken that must not be', async () => {
    await grant('create');
    assert.equal((await insert('out/1', '&ifGenerationMatch=0')).status, 412);
  });

  it('want get on the sources, and create on the destination, of a rewrite and a composition', async () => {
    for (const make of [rewrite, compose]) {
      await grant(['create', 'new/'], ['get', 'out/']);
      assert.equal((await make('new/1')).status, 403);
      await grant(['create', 'out/'], ['get', 'in/']);
      assert.equal((await make('new/1')).status, 403);
      await grant(['create', 'new/'], ['get', 'in/']);
      assert.equal((await make(`new/${Math.random()}`)).status, 200);
    }
  });

  it('are asked where a resumable upload starts, whose session is a separate credential', async () => {
    const start = () =>
      call('POST', '/upload/storage/v1/b/b/o?uploadType=resumable', {
        body: JSON.stringify({ name: `r-${Math.random()}` }),
      });
    assert.equal((await start()).status, 403);
    await grant('create');
    const session = (await start()).headers.get('location') ?? '';
    assert.equal((await fetch(session, { method: 'PUT', body: 'bytes' })).status, 200);
  });

  it('are those of the account that signed a URL', async () => {
    const date = new Date().toISOString().replace(/[-:]|\.\d+/g, '');
    const url = (account: string) =>
      `${emulator.url}/b/in/1?X-Goog-Algorithm=GOOG4-RSA-SHA256&X-Goog-Credential=${encodeURIComponent(`${account}/${date.slice(0, 8)}/auto/storage/goog4_request`)}` +
      `&X-Goog-Date=${date}&X-Goog-Expires=60&X-Goog-SignedHeaders=host&X-Goog-Signature=00`;
    assert.equal((await fetch(url(ACCOUNT))).status, 403);
    await grant(['get', 'in/']);
    assert.equal((await fetch(url(ACCOUNT))).status, 200);
    assert.equal((await fetch(url('stranger@example.org'))).status, 403);
  });

  it('tell what was used and what was refused', async () => {
    await grant('get');
    await fetch(`${emulator.url}/_emulator/iam`, { method: 'DELETE' });
    await get('in/1');
    await list();
    const { used, refusals } = (await (await fetch(`${emulator.url}/_emulator/iam`)).json()) as Record<
      string,
      unknown
    >;
    assert.deepEqual(used, ['0 storage.objects.get']);
    assert.deepEqual(refusals, [{ account: ACCOUNT, permission: 'storage.objects.list', resource: 'b' }]);
  });
});
