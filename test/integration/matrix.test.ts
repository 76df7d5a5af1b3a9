import assert from 'node:assert/strict';
import { newFileId } from '../../shared/files/file-id.ts';
import type { Scope } from '../../shared/identity/caller.ts';
import type { Principal } from '../../shared/identity/principal.ts';
import { OWNER, Service } from '../support/service.ts';

interface Role {
  readonly as: string;
  readonly scopes: readonly Scope[];
}

const VIEWER = 'org:222222222';
const both = ['read', 'write'] as const;
/** The columns of the table. */
const ROLES: readonly Role[] = [
  { as: OWNER, scopes: both },
  { as: OWNER, scopes: ['read'] },
  { as: OWNER, scopes: ['write'] },
  { as: VIEWER, scopes: both },
  { as: 'org:111111111', scopes: both },
  { as: 'user:administrator', scopes: ['admin'] },
  { as: 'user:administrator', scopes: ['read', 'write', 'admin'] },
  { as: '', scopes: [] },
];

const VIEWERS = '/files/{id}/viewers';
const GRANT = '/files/{id}/viewers/org:444444444';
const RECEIPTS = '/files/{id}/receipts';
const REFERENCES = '/files/{id}/references';
const EXPIRATION = '/files/{id}/expiration';
const REFERENCE = '/files/{id}/references/urn%3Ax%3A1';

/**
 * Answers of each route to each role, on a clean file. `scope` is 403 insufficient-scope, `forbid` 403 forbidden,
 * `none` the 404 for what does not exist, `login` 401. All other methods of these paths are 405 for everybody.
 */
const TABLE = `
                              owner  reading  writing  viewer  stranger  admin   admin+all  nobody
POST   /files                 202    scope    202      202     202       scope   202        login
GET    /files                 200    200      scope    200     200       200     200        login
OPTIONS /files                204    204      204      204     204       204     204        204
HEAD   /files                 200    200      scope    200     200       200     200        login
GET    /files?owner=${OWNER}  scope  scope    scope    scope   scope     200     200        login
GET    /files/{id}            200    200      scope    200     none      scope   forbid     login
HEAD   /files/{id}            200    200      scope    200     none      scope   forbid     login
GET    /files/{id}/status     200    200      scope    200     none      200     200        login
HEAD   /files/{id}/status     200    200      scope    200     none      200     200        login
GET    /files/{id}/verdict    200    200      scope    200     none      scope   forbid     login
HEAD   /files/{id}/verdict    200    200      scope    200     none      scope   forbid     login
POST   /files/{id}/rescan    202    scope    202      forbid  none      202     202        login
GET    ${VIEWERS}             200    200      scope    forbid  none      200     200        login
HEAD   ${VIEWERS}             200    200      scope    forbid  none      200     200        login
PATCH  ${VIEWERS}             204    scope    204      forbid  none      scope   forbid     login
PUT    ${GRANT}               204    scope    204      forbid  none      scope   forbid     login
DELETE ${GRANT}               204    scope    204      forbid  none      204     204        login
GET    ${RECEIPTS}            200    200      scope    forbid  none      200     200        login
HEAD   ${RECEIPTS}            200    200      scope    forbid  none      200     200        login
GET    ${REFERENCES}          200    200      scope    forbid  none      200     200        login
HEAD   ${REFERENCES}          200    200      scope    forbid  none      200     200        login
PUT    ${REFERENCE}           204    scope    204      forbid  none      scope   forbid     login
DELETE ${REFERENCE}           204    scope    204      forbid  none      scope   forbid     login
PUT    ${EXPIRATION}          204    scope    204      forbid  none      scope   forbid     login
DELETE ${EXPIRATION}          204    scope    204      forbid  none      scope   forbid     login
GET    /notice                200    200      200      200     200       200     200        200
HEAD   /notice                200    200      200      200     200       200     200        200
DELETE /files/{id}            204    scope    204      forbid  none      204     204        login
`;

const ROWS = TABLE.trim()
  .split('\n')
  .slice(1)
  .map((line) => line.split(/ +/))
  .map(([method = '', path = '', ...cells]) => ({ method, path, cells }));

const STATUS: Readonly<Record<string, number>> = { scope: 403, forbid: 403, none: 404, login: 401 };
const CELL: Readonly<Record<string, string>> = {
  'insufficient-scope': 'scope',
  forbidden: 'forbid',
  'not-found': 'none',
  unauthenticated: 'login',
};

describe('access matrix', () => {
  const service = new Service();
  // Each way of changing a file is tried right after the other.
  service.contends();
  let shared: string;

  async function fresh(): Promise<string> {
    const { id } = await service.upload('private');
    assert.equal((await service.call('PUT', `/files/${id}/viewers/${VIEWER}`)).status, 204);
    return id;
  }
  before(async () => {
    shared = await fresh();
    await service.decided(shared);
  });

  async function answer(method: string, path: string, { as, scopes }: Role): Promise<string> {
    const response = await service.call(method, path, {
      as,
      scopes,
      ...(method === 'POST' && { body: 'x' }),
      ...(path.endsWith('expiration') && { body: '{"expiresAt": "2099-01-01T00:00:00Z"}' }),
      ...(method === 'PATCH' && { body: '{"grant": ["org:444444444"]}' }),
    });
    const text = await response.text();
    if (response.status < 400 || text === '') return `${response.status}`;
    const { type } = JSON.parse(text) as { type: string };
    return CELL[type.slice(type.lastIndexOf('/') + 1)] ?? `${response.status}`;
  }
  /** HEAD has no document to tell the one 403 from the other. */
  const expected = (method: string, cell = ''): string =>
    method === 'HEAD' ? `${STATUS[cell] ?? cell}` : cell;

  for (const { method, path, cells } of ROWS) {
    const deletes = method === 'DELETE' && path === '/files/{id}';

    it(`${method} ${path}: ${cells.join(', ')}`, async () => {
      assert.equal(cells.length, ROLES.length);
      for (const [index, role] of ROLES.entries()) {
        const id = deletes ? await fresh() : shared;
        const got = await answer(method, path.replace('{id}', id), role);
        assert.equal(got, expected(method, cells[index]), JSON.stringify(role));
      }
    });

    if (!path.includes('{id}')) continue;
    it(`${method} ${path} of no file: as a stranger, to everybody with the scope`, async () => {
      for (const [index, role] of ROLES.entries()) {
        const got = await answer(method, path.replace('{id}', newFileId(OWNER as Principal)), role);
        const cell = cells[index] === 'scope' || cells[index] === 'login' ? cells[index] : 'none';
        assert.equal(got, expected(method, cell), JSON.stringify(role));
      }
    });
  }

  it('every other method is 405, for every caller, and Allow lists the ones in the table', async () => {
    const paths = new Set(ROWS.map(({ path }) => path).filter((path) => !path.includes('?')));
    for (const path of paths) {
      const known = ROWS.filter((row) => row.path === path).map(({ method }) => method);
      for (const method of ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']) {
        if (known.includes(method)) continue;
        for (const { as, scopes } of ROLES) {
          const response = await service.call(method, path.replace('{id}', shared), { as, scopes });
          assert.equal(response.status, 405, `${method} ${path}`);
          assert.deepEqual(response.headers.get('allow')?.split(', ').sort(), [...known].sort());
        }
      }
    }
  });
});
