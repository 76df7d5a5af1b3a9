import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { Agent, request as send } from 'node:http';
import fc from 'fast-check';
import { OWNER, Service } from '../support/service.ts';

/** Values of a header on the wire: Node itself refuses to send the rest. */
const anyValue = fc.stringMatching(/^[\x20-\x7e]{0,80}$/);

const ranges = fc.oneof(
  fc
    .array(
      fc.tuple(fc.option(fc.nat(40_000), { nil: '' }), fc.option(fc.nat(40_000), { nil: '' })).map(String),
      {
        maxLength: 20,
      },
    )
    .map((list) => `bytes=${list.map((pair) => pair.replace(',', '-'))}`),
  fc.stringMatching(/^bytes=[-0-9, ]{0,60}$/),
  anyValue,
);
const tags = fc.oneof(fc.constantFrom('*', '"x"', 'W/"x"', '"', ',,', ''), anyValue);
const dates = fc.oneof(
  fc.date({ noInvalidDate: true }).map((date) => date.toUTCString()),
  fc.constantFrom('Sunday, 06-Nov-94 08:49:37 GMT', 'Sun Nov  6 08:49:37 1994'),
  anyValue,
);
const headers = fc.record(
  {
    range: ranges,
    'if-match': tags,
    'if-none-match': tags,
    'if-modified-since': dates,
    'if-unmodified-since': dates,
    'if-range': fc.oneof(tags, dates),
    accept: fc.oneof(fc.constantFrom('application/fhir+json', '*/*;q=0'), anyValue),
    prefer: fc.oneof(fc.constantFrom('wait=0', 'wait=x', 'wait="1', 'respond-async'), anyValue),
    traceparent: anyValue,
  },
  { requiredKeys: [] },
);
const ids = fc.oneof(
  fc.stringMatching(/^[0-9a-v]{43}$/),
  fc.stringMatching(/^[\x21-\x22\x24-\x7e]{0,60}$/),
  fc.string({ unit: 'binary', maxLength: 40 }).map((text) => encodeURIComponent(text.toWellFormed())),
  fc.constantFrom('..', '%2e%2e%2f', '%00', '%', '//', '%ff%fe', '?', ';a=b', 'a/../../files'),
);

describe('for any request', () => {
  const service = new Service();
  const size = 30_000;
  const agent = new Agent({ keepAlive: true, maxSockets: 8 });
  let file: string;
  let authorization: string;
  before(async () => {
    const { id } = await service.upload(randomBytes(size));
    await service.decided(id);
    file = id;
    authorization = `Bearer ${await service.platform.token(OWNER)}`;
  });
  after(() => agent.destroy());

  /** A path as it is, which `fetch` would tidy up first. */
  function ask(path: string, method: string, fields: Record<string, string>) {
    return new Promise<{ status: number; length: number }>((resolve, reject) => {
      const request = send(service.url, { path, method, agent, headers: { ...fields, authorization } });
      request.on('error', reject).on('response', (response) => {
        let length = 0;
        response.on('data', (piece: Buffer) => {
          length += piece.length;
        });
        response.on('error', reject).on('end', () => resolve({ status: response.statusCode ?? 0, length }));
      });
      request.end();
    });
  }

  it('of a file, is answered with 2xx, 304 or 4xx', async () => {
    const cases = fc.tuple(fc.constantFrom('', '', '/status'), fc.constantFrom('GET', 'HEAD'), headers);
    await fc.assert(
      fc.asyncProperty(cases, async ([rest, method, fields]) => {
        // Nobody waits here.
        const { prefer, ...others } = fields;
        const tame = prefer !== undefined && !/wait\s*=\s*"?[1-9]/i.test(prefer) ? { prefer } : {};
        const { status, length } = await ask(`/files/${file}${rest}`, method, { ...others, ...tame });
        assert.ok([200, 206, 304, 412, 416].includes(status), String(status));
        if (method === 'HEAD' || status === 304) assert.equal(length, 0);
        if (status === 200 && method === 'GET' && rest === '') assert.equal(length, size);
      }),
      { numRuns: 250 },
    );
  });

  it('of another id, is 4xx', async () => {
    await fc.assert(
      fc.asyncProperty(ids, fc.constantFrom('', '/status', '/x'), headers, async (id, rest, fields) => {
        // Names that a client turns into another path name no file.
        fc.pre(new URL(`/files/${id}${rest}`, 'http://service').pathname.startsWith('/files/'));
        const { status } = await ask(`/files/${id}${rest}`, 'GET', fields);
        assert.ok(status >= 400 && status < 500, `${id}: ${status}`);
      }),
      { numRuns: 250 },
    );
  });
});
