import assert from 'node:assert/strict';
import type { JWTPayload } from 'jose';
import { Kinds } from './kinds-fixture.ts';
import {
  app,
  CLIENT,
  consumer,
  GROUP,
  kari,
  mail,
  OID,
  organisation,
  overage,
  partner,
  READ,
  robot,
  user,
  WRITE,
} from './shapes.ts';

describe('kinds of issuers', () => {
  const kinds = new Kinds();
  const { maskinporten, restricted, entra, google, custom, bare } = kinds;

  for (const [what, issuer, claims, principals, scopes] of [
    ['Maskinporten: an organisation', maskinporten, organisation, ['org:889640782'], ['read']],
    [
      'Maskinporten: with both scopes',
      maskinporten,
      { ...organisation, scope: `${WRITE} ${READ}` },
      ['org:889640782'],
      ['read', 'write'],
    ],
    [
      'Maskinporten: another scope',
      maskinporten,
      { ...organisation, scope: 'nav:other' },
      ['org:889640782'],
      [],
    ],
    [
      'Maskinporten: no audience, in so many words',
      maskinporten,
      { ...organisation, aud: 'unspecified' },
      ['org:889640782'],
      ['read'],
    ],
    [
      'Maskinporten: a supplier that acts for the consumer',
      maskinporten,
      { ...organisation, supplier: { ...consumer, ID: '0192:111111111' } },
      ['org:889640782'],
      ['read'],
    ],
    [
      'Maskinporten: restricted to our audience',
      restricted,
      { ...organisation, aud: ['https://f.example'], scope: 'nav:f.admin' },
      ['org:889640782'],
      ['admin'],
    ],
    ['Entra: a user', entra, user, [`user:${OID}`], ['read']],
    [
      'Entra: a user with groups and a role',
      entra,
      { ...user, groups: [GROUP, 'x y', 7], roles: ['fileshare.admin'] },
      [`user:${OID}`, `group:${GROUP}`],
      ['read', 'admin'],
    ],
    [
      'Entra: a user with groups by name, one of them of another issuer',
      entra,
      { ...user, groups: ['nurses', 'partners:a', `${GROUP}x`, GROUP.toUpperCase()] },
      [`user:${OID}`, `group:${GROUP}`],
      ['read'],
    ],
    ['Entra: a user with too many groups', entra, { ...user, ...overage }, [`user:${OID}`], ['read']],
    [
      'Entra: a user with groups elsewhere',
      entra,
      { ...user, hasgroups: true, groups: 'src1' },
      [`user:${OID}`],
      ['read'],
    ],
    [
      'Entra: a user, said so',
      entra,
      { ...user, idtyp: 'user', scp: 'fileshare.write fileshare.read' },
      [`user:${OID}`],
      ['read', 'write'],
    ],
    ['Entra: an application', entra, app, [`app:${CLIENT}`], ['read']],
    [
      'Entra: an application, said so',
      entra,
      { ...app, sub: 'other', idtyp: 'app', groups: [GROUP] },
      [`app:${CLIENT}`, `group:${GROUP}`],
      ['read'],
    ],
    [
      'Entra: an application in a token of version 1.0',
      entra,
      { ...app, azp: undefined, appid: CLIENT },
      [`app:${CLIENT}`],
      ['read'],
    ],
    ['Entra: an application without roles', entra, { ...app, roles: undefined }, [`app:${CLIENT}`], []],
    ['Google: a service account', google, robot, ['user:robot@project.iam.gserviceaccount.com'], ['write']],
    [
      'Google: a user of a hosted domain, with a grant of her own',
      google,
      kari,
      ['user:kari@example.no'],
      ['admin', 'read'],
    ],
    [
      'Google: another user of that domain',
      google,
      mail('ola@example.no', { hd: 'example.no' }),
      ['user:ola@example.no'],
      ['read'],
    ],
    [
      'Google: a user of another domain',
      google,
      mail('x@evil.example', { hd: 'evil.example' }),
      ['user:x@evil.example'],
      [],
    ],
    ['Google: somebody at Gmail', google, mail('x@gmail.com'), ['user:x@gmail.com'], []],
    [
      'custom: an id and a type',
      custom,
      { ...partner, groups: ['a', 'b c'], permissions: ['w', 'r'] },
      ['org:994598759', 'group:partners:a'],
      ['read', 'write'],
    ],
    [
      'custom: a group that has the id of a group of Entra',
      custom,
      { ...partner, groups: [GROUP, '', 7], permissions: ['r'] },
      ['org:994598759', `group:partners:${GROUP}`],
      ['read'],
    ],
    [
      'custom: a whole principal',
      bare,
      { aud: 'f', who: 'group:9', scope: 'w', groups: ['a'] },
      ['group:9'],
      ['write'],
    ],
  ] as const) {
    it(`${what} is ${principals.join(' and ')} with ${scopes.join(' and ') || 'no scope'}`, async () => {
      const answers = await kinds.ask(issuer, claims);
      for (const [scope, { status }] of answers) {
        const may = (scopes as readonly string[]).includes(scope);
        assert.equal(status, may ? 200 : 403, scope);
      }
      const known = answers.find(([, { status }]) => status === 200)?.[1].body;
      if (!known) return;
      assert.deepEqual(known['principals'], principals);
      assert.equal(known['principal'], principals[0]);
      assert.equal(known['issuer'], issuer.url);
      const { jti, uti } = claims as JWTPayload;
      assert.equal(known['tokenId'], jti ?? uti);
    });
  }

  it('Google names itself with and without the scheme', async () => {
    const { status, body } = await kinds.service.ask(
      await google.token({ ...kari, iss: new URL(google.url).host }),
    );
    assert.deepEqual([status, body['issuer']], [200, google.url]);
  });

  it('name the scope that is lacking in the words of the issuer, where it has some', async () => {
    const { challenge } = await kinds.service.ask(await maskinporten.token(organisation), 'POST');
    assert.match(challenge ?? '', /, scope="nav:helse:helseopplysninger.write"$/);
    const unknown = await kinds.service.ask(await google.token(mail('x@gmail.com')));
    assert.match(unknown.challenge ?? '', /error="insufficient_scope", error_description="[^"]+"$/);
  });
});
