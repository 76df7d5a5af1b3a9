import assert from 'node:assert/strict';
import * as v from 'valibot';
import { corsOrigins } from '../../../shared/framework/cors.ts';

describe('CORS_ORIGINS', () => {
  const checkOf = (text?: string) => v.parse(corsOrigins, text);

  it('allows no origin by default', () => {
    for (const nothing of [undefined, '', ' , ']) assert.equal(checkOf(nothing), undefined);
  });

  it('allows an origin that is listed, and none that resembles it', () => {
    const isAllowed = checkOf('https://app.example.no, http://localhost:5173');
    for (const origin of ['https://app.example.no', 'http://localhost:5173'])
      assert.equal(isAllowed?.(origin), true, origin);
    for (const origin of [
      'null',
      '',
      '*',
      'http://app.example.no',
      'https://app.example.no:444',
      'https://app.example.no.',
      'https://app.example.no.evil.com',
      'https://appxexample.no',
      'https://app.example.no/',
      'HTTPS://APP.EXAMPLE.NO',
      'https://example.no',
      'http://localhost',
    ])
      assert.equal(isAllowed?.(origin), false, origin);
  });

  it('allows every subdomain by a pattern, and nothing else', () => {
    const isAllowed = checkOf('https://*.example.no,https://*.test.example.com:8443');
    for (const origin of [
      'https://app.example.no',
      'https://a.b-c.example.no',
      'https://xn--bl-zia.example.no',
      'https://a.test.example.com:8443',
    ])
      assert.equal(isAllowed?.(origin), true, origin);
    for (const origin of [
      'https://example.no',
      'https://.example.no',
      'https://evil-example.no',
      'https://evil.com/.example.no',
      'https://evil.com#.example.no',
      'https://user@evil.example.no',
      'https://app.example.no:444',
      'http://app.example.no',
      'https://app.examplexno',
      'https://app.example.no.evil.com',
      'https://-a.example.no',
      'https://app.example.no\n',
      'https://a.test.example.com',
      `https://${'a.'.repeat(10_000)}example.no`,
      'null',
    ])
      assert.equal(isAllowed?.(origin), false, origin);
  });

  it('refuses what is no origin, and what would allow too many', () => {
    for (const text of [
      '*',
      'null',
      'example.no',
      'https://example.no/',
      'https://example.no/path',
      'https://EXAMPLE.no',
      'https://example.no:443',
      'https://*',
      'https://*.no',
      'https://*.*.no',
      'https://app.*.no',
      'https://app-*.example.no',
      'https://*example.no',
      'https://*.example.no.',
      'http://example.no',
      'http://*.localhost',
      'http://localhost.example.no',
      'ftp://example.no',
      'https://example.no https://example.com',
    ])
      assert.throws(() => checkOf(text), /should be origins separated by commas/, text);
  });
});
