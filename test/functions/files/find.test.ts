import assert from 'node:assert/strict';
import {
  anyoneWhoSees,
  findFile,
  owner,
  ownerOrAdministrator,
  ownerOrViewer,
  type Permission,
} from '../../../functions/files/find.ts';
import { newFileId } from '../../../shared/files/file-id.ts';
import type { Caller, Scope } from '../../../shared/identity/caller.ts';
import type { Principal } from '../../../shared/identity/principal.ts';
import { viewersNamed } from '../../support/records.ts';
import { OWNER, problemOf, RecordsFixture } from './fixture.ts';

const VIEWER = 'org:1' as Principal;
const never = new AbortController().signal;

function callerOf(principal: Principal, scopes: readonly Scope[], groups: readonly Principal[] = []): Caller {
  return {
    principal,
    principals: new Set([principal, ...groups]),
    scopes: new Set(scopes),
    issuer: 'https://issuer.example',
  };
}

const CALLERS = {
  owner: callerOf(OWNER, ['read', 'write']),
  viewer: callerOf(VIEWER, ['read', 'write']),
  member: callerOf('user:1' as Principal, ['read', 'write'], [VIEWER]),
  colleague: callerOf('user:2' as Principal, ['read', 'write'], [OWNER]),
  administrator: callerOf('user:3' as Principal, ['read', 'write', 'admin']),
  stranger: callerOf('org:2' as Principal, ['read', 'write']),
};

/** The answer to each caller, by what it must be to the file. */
const ANSWERS = [
  ['owner', owner, ['none', 'forbidden', 'forbidden', 'not-found', 'forbidden', 'not-found']],
  ['ownerOrViewer', ownerOrViewer, ['none', 'none', 'none', 'not-found', 'forbidden', 'not-found']],
  [
    'ownerOrAdministrator',
    ownerOrAdministrator,
    ['none', 'forbidden', 'forbidden', 'not-found', 'none', 'not-found'],
  ],
  ['anyoneWhoSees', anyoneWhoSees, ['none', 'none', 'none', 'not-found', 'none', 'not-found']],
] as const;

describe('findFile', () => {
  const fixture = new RecordsFixture();
  const asked = (id: string, caller: Caller, permission: Permission) =>
    findFile(fixture.instance(), caller, id, permission, never);

  for (const [who, may, expected] of ANSWERS) {
    it(`with ${who}: answers each caller as its role allows, and a stranger as if there were no file`, async () => {
      const id = await fixture.clean({ viewers: viewersNamed(VIEWER) });
      const answers = Object.values(CALLERS).map((caller) => problemOf(asked(id, caller, may)));
      assert.deepEqual(await Promise.all(answers), expected);
    });

    it(`with ${who}: is not-found for everybody if there is no such file, or the id is not one`, async () => {
      for (const id of [newFileId(OWNER), 'nonsense', '../x', '']) {
        const answers = Object.values(CALLERS).map((caller) => problemOf(asked(id, caller, may)));
        assert.deepEqual(new Set(await Promise.all(answers)), new Set(['not-found']), id);
      }
    });
  }

  it('returns the record with its version', async () => {
    const id = await fixture.clean();
    assert.deepEqual(await asked(id, CALLERS.owner, owner), await fixture.instance().records.get(id));
  });

  it('ends with the request', async () => {
    const id = await fixture.clean();
    const over = AbortSignal.abort(new Error('the client left'));
    await assert.rejects(findFile(fixture.instance(), CALLERS.owner, id, owner, over), /client left|abort/);
  });
});
