import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { promisify } from 'node:util';
import * as v from 'valibot';
import { readPlatformConfig } from '../../../infra/local/processes/config.ts';
import { describeProcesses } from '../../../infra/local/processes/processes.ts';
import { issuersSchema } from '../../../shared/identity/issuers.ts';
import { TokenVerifier } from '../../../shared/identity/tokens.ts';
import { IDENTITY } from '../../support/identity.ts';

const MASKINPORTEN = { kind: 'maskinporten' };
const ENTRA = {
  kind: 'entra',
  issuer: 'https://login.microsoftonline.com/62366534-1ec3-4962-8869-9b5535279d0b/v2.0',
  audience: 'client',
  readScope: 'r',
  writeScope: 'w',
};
const GOOGLE = { kind: 'google', audience: 'a', grants: [{ hostedDomain: 'example.no', scopes: ['read'] }] };
const CUSTOM = { ...ENTRA, kind: 'custom', issuer: 'https://i.example', principalClaim: 'sub' };
const NAMED = { ...CUSTOM, principalType: 'user', namespace: 'n' };

describe('the configuration of issuers', () => {
  for (const [what, issuers] of [
    ['one issuer without a namespace', [{ ...CUSTOM, principalType: 'user', groupsClaim: 'g' }]],
    ['one that names numbers of organisations only', [MASKINPORTEN, { ...CUSTOM, principalType: 'org' }]],
    ['two with a namespace each', [NAMED, { ...NAMED, issuer: 'https://j.example', namespace: 'm' }]],
    ['one that shares names on purpose', [ENTRA, { ...NAMED, namespace: '' }]],
  ] as const) {
    it(`takes ${what}`, () => {
      assert.equal(v.parse(issuersSchema, issuers).length, issuers.length);
    });
  }

  it('is three lines for each of those that are known, with what they sign and call things', () => {
    const [maskinporten, entra, google, custom] = v.parse(issuersSchema, [
      MASKINPORTEN,
      ENTRA,
      GOOGLE,
      CUSTOM,
    ]);
    assert.deepEqual(maskinporten, {
      kind: 'maskinporten',
      issuer: 'https://maskinporten.no/',
      algorithms: ['RS256'],
      clockToleranceSeconds: 30,
      readScope: ['nav:helse:helseopplysninger.read'],
      writeScope: ['nav:helse:helseopplysninger.write'],
    });
    assert.equal(google?.issuer, 'https://accounts.google.com');
    assert.deepEqual([entra?.algorithms, google?.algorithms], [['RS256'], ['RS256']]);
    assert.deepEqual([entra?.audience, google?.audience], [['client'], ['a']]);
    assert.ok(custom?.algorithms.every((name) => /^(RS|PS|ES|Ed)/.test(name)));
  });

  it('is that of every example in docs/identity.md', () => {
    const page = readFileSync(new URL('../../../docs/identity.md', import.meta.url), 'utf8');
    const examples = [...page.matchAll(/```json\n(.*?)```/gs)].map(
      ([, text = '']) => JSON.parse(text) as unknown,
    );
    assert.equal(examples.length, 5);
    for (const example of examples) assert.ok(v.parse(issuersSchema, example));
  });

  for (const [what, issuers, message] of [
    ['none', [], /at least one issuer/],
    ['one twice', [CUSTOM, { ...MASKINPORTEN, issuer: CUSTOM.issuer }], /every issuer once/],
    ['groups of free text beside an issuer', [ENTRA, { ...CUSTOM, groupsClaim: 'g' }], /a namespace/],
    ['users of free text beside an issuer', [GOOGLE, { ...CUSTOM, principalType: 'user' }], /a namespace/],
    [
      'one namespace for two issuers',
      [NAMED, { ...NAMED, issuer: 'https://j.example' }],
      /every namespace once/,
    ],
    ['a namespace with a separator', [{ ...NAMED, namespace: 'a:b' }], /at most 32 of/],
    ['an unknown kind', [{ ...CUSTOM, kind: 'okta' }], /maskinporten, entra, google or custom/],
    ['no kind', [{ ...CUSTOM, kind: undefined }], /maskinporten, entra, google or custom/],
    ['a misspelt name', [{ ...MASKINPORTEN, audiance: 'a' }], /audiance/],
    ['no audience', [{ ...ENTRA, audience: undefined }], /audience/],
    ['an empty audience', [{ ...ENTRA, audience: [] }], /audience/],
    ['no scopes', [{ ...CUSTOM, readScope: [] }], /scope/],
    ['a scope that would break a header', [{ ...CUSTOM, readScope: 'a"\r\nx: y' }], /scope/],
    ['a shared secret', [{ ...MASKINPORTEN, algorithms: ['HS256'] }], /should be some of RS256/],
    ['no signature', [{ ...MASKINPORTEN, algorithms: ['none'] }], /should be some of RS256/],
    ['no algorithm', [{ ...MASKINPORTEN, algorithms: [] }], /at least one algorithm/],
    ['a clock that is years off', [{ ...MASKINPORTEN, clockToleranceSeconds: 1e9 }], /at most 300/],
    ['plain http', [{ ...CUSTOM, issuer: 'http://i.example' }], /https URL/],
    ['keys over plain http', [{ ...CUSTOM, jwksUri: 'http://i.example/jwks' }], /https URL/],
    ['no URL', [{ ...CUSTOM, issuer: 'accounts' }], /https URL/],
    ['a file', [{ ...CUSTOM, issuer: 'file:///issuer' }], /https URL/],
    ['a query', [{ ...CUSTOM, issuer: 'https://i.example?x' }], /no query/],
    ['any tenant', [{ ...ENTRA, issuer: 'https://login.microsoftonline.com/common/v2.0' }], /one tenant/],
    ['a grant to nobody', [{ ...GOOGLE, grants: [{ scopes: ['read'] }] }], /either a principal/],
    [
      'a grant of nothing',
      [{ ...GOOGLE, grants: [{ hostedDomain: 'a', scopes: [] }] }],
      /at least one scope/,
    ],
    ['a grant to a group', [{ ...GOOGLE, grants: [{ principal: 'group:x@y', scopes: ['read'] }] }], /user:</],
    ['no grants', [{ ...GOOGLE, grants: [] }], /at least one grant/],
  ] as const) {
    it(`is refused with ${what}`, () => {
      const { success, issues } = v.safeParse(issuersSchema, JSON.parse(JSON.stringify(issuers)));
      assert.equal(success, false);
      assert.match(
        JSON.stringify(issues?.map(({ message, path }) => [message, path?.map(({ key }) => key)])),
        message,
      );
    });
  }
});

describe('a production configuration', () => {
  const verifier = (changes: object) =>
    new TokenVerifier(v.parse(issuersSchema, [MASKINPORTEN, { ...CUSTOM, ...changes }]), false);

  it('trusts issuers that are reached over https', () => {
    assert.ok(verifier({}));
  });

  for (const name of ['upload', 'files']) {
    it(`cannot be that of local development: ${name} does not start`, async () => {
      const ports = {
        gateway: 1,
        storage: 2,
        pubsub: 3,
        clamd: 4,
        upload: 5,
        files: 6,
        scanner: 7,
        sweeper: 8,
        uploadFront: 9,
        filesFront: 10,
        scannerFront: 11,
        sweeperFront: 12,
        rescanner: 13,
        rescannerFront: 14,
        auditor: 17,
        auditorFront: 18,
        exporter: 19,
        exporterFront: 20,
        notify: 15,
        notifyFront: 16,
      };
      const { functions } = describeProcesses(readPlatformConfig({}, tmpdir()), ports, IDENTITY);
      const described = functions.find((each) => each.name === name);
      assert.ok(described?.env['TOKEN_ISSUERS']);
      const { STORAGE_EMULATOR_HOST: _, NODE_COMPILE_CACHE: __, ...env } = described.env;
      const started = promisify(execFile)(process.execPath, [...described.args], { env });
      await assert.rejects(
        started,
        ({ code, stdout, stderr }: { code: number; stdout: string; stderr: string }) => {
          assert.match(stdout + stderr, /TOKEN_ISSUERS names a development issuer/);
          return code !== 0;
        },
      );
    });
  }

  for (const host of [
    ...['127.0.0.1', '127.1', '0x7f.1', '2130706433', '0.0.0.0', '127.9.9.9'],
    ...['localhost', 'LOCALHOST', 'localhost.', 'issuer.localhost'],
    ...['[::1]', '[::]', '[::ffff:127.0.0.1]'],
  ]) {
    it(`cannot trust an issuer at ${host}, nor keys from there`, () => {
      for (const scheme of ['http', 'https']) {
        for (const field of ['issuer', 'jwksUri']) {
          const changes = { [field]: `${scheme}://${host}:8080/local/issuer` };
          assert.throws(() => verifier(changes), /TOKEN_ISSUERS names a development issuer/);
        }
      }
    });
  }
});
