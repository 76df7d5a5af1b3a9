import assert from 'node:assert/strict';
import { admitCaller } from '../../../functions/sweeper/callers.ts';

const CALLERS = { deadLetters: 'push@example.org', schedule: 'schedule@example.org' };
const OPERATOR = 'operator@example.org';
const PATHS = [
  '/dead-letters',
  '/sweep',
  '/collect',
  '/redrive',
  '/release',
  '/condemn',
  '/quarantine',
  '/quarantine/content',
  '/quarantine/rescan',
  '/exports',
  '/owner/list',
  '/owner/content',
  '/owner/erase',
  '/owner/attest',
  '/restore',
  '/rescans',
  '/rescans/pause',
  '/rescans/resume',
  '/rescans/cancel',
  '/intake',
  '/intake/pause',
  '/intake/resume',
  '/notice',
  '/deployment/adopt',
];

const part = (claims: unknown): string => Buffer.from(JSON.stringify(claims)).toString('base64url');
const token = (claims: unknown): string =>
  `Bearer ${part({ alg: 'RS256' })}.${part(claims)}.SIGNATURE_REMOVED_BY_GOOGLE`;

describe('the callers of the sweeper', () => {
  for (const [email, paths] of [
    [CALLERS.deadLetters, ['/dead-letters']],
    [CALLERS.schedule, ['/sweep', '/collect']],
    [OPERATOR, PATHS.slice(1)],
  ] as const) {
    it(`lets ${email} call ${paths.join(', ')} alone`, () => {
      const admitted = PATHS.filter((path) => {
        try {
          admitCaller({ authorization: token({ email }) }, path, CALLERS);
          return true;
        } catch {
          return false;
        }
      });
      assert.deepEqual(admitted, paths);
    });
  }

  for (const [what, headers] of [
    ['no token', {}],
    ['a token without an email', { authorization: token({ sub: '1' }) }],
    ['an email that is no text', { authorization: token({ email: [OPERATOR] }) }],
    ['an empty email', { authorization: token({ email: '' }) }],
    ['claims that are no object', { authorization: token(null) }],
    ['a token of another kind', { authorization: 'Bearer ya29.opaque' }],
    ['claims that are no JSON', { authorization: 'Bearer YQ.YQ.YQ' }],
    ['basic credentials', { authorization: `Basic ${token({ email: OPERATOR })}` }],
  ] as const) {
    it(`are refused everything with ${what}`, () => {
      for (const path of PATHS) {
        assert.throws(() => admitCaller(headers, path, CALLERS), { status: 403 });
      }
    });
  }

  it('are who the header says that Cloud Run has checked', () => {
    const headers = {
      authorization: token({ email: OPERATOR }),
      'x-serverless-authorization': token({ email: CALLERS.deadLetters }),
    };
    assert.throws(() => admitCaller(headers, '/redrive', CALLERS), { status: 403 });
    admitCaller(headers, '/dead-letters', CALLERS);
  });
});
