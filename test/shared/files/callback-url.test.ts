import assert from 'node:assert/strict';
import * as v from 'valibot';
import { admitCallback, callbackOrigins } from '../../../shared/files/callback-url.ts';

const ORIGINS = ['https://hooks.example.no', 'https://*.example.org', 'https://ports.example:8443'];
const PRODUCTION = { origins: ORIGINS, loopback: false };

describe('a callback URL', () => {
  for (const [text, url] of [
    ['https://hooks.example.no', 'https://hooks.example.no/'],
    ['https://hooks.example.no:443/a?b=c', 'https://hooks.example.no/a?b=c'],
    ['https://HOOKS.example.no/A', 'https://hooks.example.no/A'],
    ['https://hooks.example.no/a#fragment', 'https://hooks.example.no/a'],
    ['https://a.example.org/', 'https://a.example.org/'],
    ['https://a.b.example.org/', 'https://a.b.example.org/'],
    ['https://ports.example:8443/', 'https://ports.example:8443/'],
  ] as const) {
    it(`is admitted: ${text}`, () => assert.deepEqual(admitCallback(text, PRODUCTION), { url }));
  }

  for (const [text, why] of [
    ['', /not a URL/],
    ['hooks.example.no', /not a URL/],
    ['/path', /not a URL/],
    ['https://hooks.example.no/a b', /not a URL/],
    ['https://hooks.example.no/\u00e5', /not a URL/],
    ['ht\ntps://hooks.example.no/', /not a URL/],
    ['https://hooks.example.no, https://hooks.example.no', /not a URL/],
    [`https://hooks.example.no/${'a'.repeat(500)}`, /longer/],
    [`https://hooks.example.no/${'"'.repeat(200)}`, /longer/],
    ['http://hooks.example.no/', /not https/],
    ['ftp://hooks.example.no/', /not https/],
    ['file:///etc/passwd', /not https/],
    ['javascript:alert(1)', /not https/],
    ['https://user@hooks.example.no/', /user information/],
    ['https://:secret@hooks.example.no/', /user information/],
    ['https://169.254.169.254/computeMetadata/v1/', /IP address/],
    ['http://169.254.169.254/computeMetadata/v1/', /not https/],
    ['https://2852039166/', /IP address/],
    ['https://0xa9.0xfe.0xa9.0xfe/', /IP address/],
    ['https://0251.0376.0251.0376/', /IP address/],
    ['https://127.1/', /IP address/],
    ['https://[::1]/', /IP address/],
    ['https://[::ffff:169.254.169.254]/', /IP address/],
    ['https://8.8.8.8/', /IP address/],
    ['https://localhost/', /to that origin/],
    ['https://metadata.google.internal/', /to that origin/],
    ['https://hooks.example.no:8443/', /to that origin/],
    ['https://hooks.example.no.evil.example/', /to that origin/],
    ['https://evil.example/hooks.example.no', /to that origin/],
    ['https://hooks.example.no@evil.example/', /user information/],
    ['https://example.org/', /to that origin/],
    ['https://.example.org/', /to that origin|not a URL/],
    ['https://notexample.org/', /to that origin/],
    ['https://a.example.org:8443/', /to that origin/],
    ['https://a.ports.example:8443/', /to that origin/],
  ] as const) {
    it(`is refused: ${JSON.stringify(text.slice(0, 60))}`, () => {
      const admitted = admitCallback(text, PRODUCTION);
      assert.ok('refusal' in admitted, 'it was admitted');
      assert.match(admitted.refusal, why);
    });
  }

  it('is refused where the deployment allows no origin', () => {
    const off = admitCallback('https://hooks.example.no', { origins: [], loopback: false });
    assert.match('refusal' in off ? off.refusal : '', /sends no callbacks/);
  });

  it('may be on this machine, and http, where that is allowed for development', () => {
    const origins = ['http://127.0.0.1:9', 'http://localhost:9', 'http://[::1]:9', 'http://hooks.example'];
    const admit = (text: string, loopback: boolean) => 'url' in admitCallback(text, { origins, loopback });
    for (const origin of origins.slice(0, 3)) {
      assert.equal(admit(`${origin}/x`, true), true, origin);
      assert.equal(admit(`${origin}/x`, false), false, origin);
    }
    assert.equal(admit('http://hooks.example/', true), false);
  });
});

describe('CALLBACK_ORIGINS', () => {
  it('is none by default, and a list of origins', () => {
    assert.deepEqual(v.parse(callbackOrigins, undefined), []);
    assert.deepEqual(v.parse(callbackOrigins, ORIGINS.join()), ORIGINS);
  });

  for (const text of [
    '*',
    'https://*',
    'hooks.example.no',
    'https://hooks.example.no/path',
    'https://a.*.no',
    'ftp://a',
  ]) {
    it(`is not valid: ${text}`, () => assert.equal(v.safeParse(callbackOrigins, text).success, false));
  }
});
