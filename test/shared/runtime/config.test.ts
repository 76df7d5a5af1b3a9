import assert from 'node:assert/strict';
import * as v from 'valibot';
import { issuersSchema } from '../../../shared/identity/issuers.ts';
import {
  bucketName,
  commonVariables,
  filesUrl,
  integer,
  json,
  readConfig,
} from '../../../shared/runtime/config.ts';

describe('configuration', () => {
  const entries = { ...commonVariables, SLOTS: v.optional(integer(1, 9), '2'), ISSUERS: json(issuersSchema) };
  const issuer = {
    kind: 'custom',
    issuer: 'https://i.example',
    jwksUri: 'https://i.example/jwks',
    audience: 'a',
    principalClaim: 'p',
    readScope: 'r',
    writeScope: 'w',
  };
  const good = { PERMANENT_BUCKET: 'permanent', ISSUERS: JSON.stringify([issuer]) };

  it('is typed, with defaults where a variable is absent or empty', () => {
    const config = readConfig(entries, { ...good, SLOTS: '', LOG_LEVEL: 'debug' });
    assert.equal(config.SLOTS, 2);
    assert.equal(config.LOG_LEVEL, 'debug');
    assert.deepEqual(config.ISSUERS, v.parse(issuersSchema, [issuer]));
  });

  it('takes a URL with or without a trailing slash, and nothing else', () => {
    const read = (FILES_URL: string) => readConfig({ FILES_URL: filesUrl }, { FILES_URL }).FILES_URL;
    assert.equal(read('https://share.example/api//'), 'https://share.example/api');
    assert.equal(read(''), undefined);
    for (const url of ['share.example', 'ftp://a', 'https://a/?b', 'https://a/#b', 'https://']) {
      assert.throws(() => read(url), /FILES_URL is not valid: should be an http or https URL/, url);
    }
  });

  for (const [change, message] of [
    [
      { PERMANENT_BUCKET: undefined },
      'Configuration: PERMANENT_BUCKET is not set: should be the name of a bucket',
    ],
    [
      { PERMANENT_BUCKET: 'A B' },
      'Configuration: PERMANENT_BUCKET is not valid: should be the name of a bucket',
    ],
    [{ SLOTS: '10' }, 'Configuration: SLOTS is not valid: should be a whole number from 1 to 9'],
    [{ SLOTS: '1e0' }, 'Configuration: SLOTS is not valid: should be a whole number from 1 to 9'],
    [{ ISSUERS: '{' }, 'Configuration: ISSUERS is not valid: should be JSON'],
    [{ ISSUERS: '[]' }, 'Configuration: ISSUERS is not valid: should name at least one issuer'],
    [
      { ISSUERS: JSON.stringify([{ ...issuer, jwksUri: 'http://i.example' }]) },
      'Configuration: ISSUERS (0.jwksUri) is not valid: should be an https URL',
    ],
  ] as const) {
    it(`fails at start: ${message}`, () => {
      assert.throws(() => readConfig(entries, { ...good, ...change }), { message });
    });
  }

  it('names every variable that is wrong, and never a value', () => {
    assert.throws(
      () => readConfig({ A: bucketName, B: integer(1, 2) }, { A: 'SECRET VALUE' }),
      ({ message }: Error) =>
        /A is not valid/.test(message) && /B is not set/.test(message) && !/SECRET/.test(message),
    );
  });
});
