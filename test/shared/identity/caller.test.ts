import assert from 'node:assert/strict';
import fc from 'fast-check';
import {
  type Caller,
  mayAdminister,
  mayChange,
  mayView,
  SCOPES,
  type Scope,
} from '../../../shared/identity/caller.ts';
import { type Principal, parsePrincipal } from '../../../shared/identity/principal.ts';
import { viewersNamed } from '../../support/records.ts';

function principal(text: string): Principal {
  const parsed = parsePrincipal(text);
  assert.ok(parsed, text);
  return parsed;
}

function caller(
  name: string,
  groups: readonly string[] = [],
  scopes: readonly Scope[] = ['read', 'write'],
): Caller {
  const all = new Set([name, ...groups].map(principal));
  return {
    principal: principal(name),
    principals: all,
    scopes: new Set(scopes),
    issuer: 'https://i.example',
  };
}

const NOW = new Date('2026-11-24T04:00:00Z');

describe('access by caller', () => {
  const file = { owner: principal('org:1'), viewers: viewersNamed('user:v', 'group:g') };
  for (const [who, whom, view, change, administer] of [
    ['the owner', caller('org:1'), true, true, false],
    ['a viewer', caller('user:v'), true, false, false],
    ['a member of a group that may view', caller('user:m', ['group:g']), true, false, false],
    ['a member of another group', caller('user:m', ['group:h']), false, false, false],
    ['a stranger', caller('org:2'), false, false, false],
    ['who has a group of the name of the owner', caller('user:m', ['group:1']), false, false, false],
    ['an administrator', caller('user:a', [], ['read', 'write', 'admin']), false, false, true],
    ['an administrator who is a viewer', caller('user:v', [], ['admin']), true, false, true],
    ['an administrator who is the owner', caller('org:1', [], ['admin']), true, true, true],
  ] as const) {
    it(`${who}: view ${view}, change ${change}, administer ${administer}`, () => {
      assert.deepEqual(
        [mayView(whom, file, NOW), mayChange(whom, file), mayAdminister(whom)],
        [view, change, administer],
      );
    });
  }

  it('a group owns nothing, even where a record says so', () => {
    const groups = { owner: principal('group:g'), viewers: [] };
    const member = caller('user:m', ['group:g']);
    assert.deepEqual([mayView(member, groups, NOW), mayChange(member, groups)], [false, false]);
  });

  it('scopes change nothing about whose a file is', () => {
    fc.assert(
      fc.property(fc.subarray([...SCOPES]), (scopes) => {
        assert.equal(mayView(caller('org:2', ['group:x'], scopes), file, NOW), false);
        assert.equal(mayChange(caller('user:v', ['group:g'], scopes), file), false);
      }),
    );
  });
});

describe('principals', () => {
  for (const text of ['org:889640782', 'app:1', 'user:kari+x@example.no', `group:${crypto.randomUUID()}`]) {
    it(`are ${text}`, () => assert.equal(parsePrincipal(text), text));
  }
  for (const text of [
    '',
    'org:',
    '889640782',
    'org:1 org:2',
    'org:\n',
    'Org:1',
    'role:x',
    `org:${'1'.repeat(129)}`,
    7,
  ]) {
    it(`are not ${JSON.stringify(text).slice(0, 30)}`, () => assert.equal(parsePrincipal(text), undefined));
  }
});
