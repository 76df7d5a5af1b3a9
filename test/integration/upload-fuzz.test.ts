import assert from 'node:assert/strict';
import { Agent, type IncomingMessage, request } from 'node:http';
import fc from 'fast-check';
import { OWNER, Service } from '../support/service.ts';

/** Headers that an answer may carry. */
const KNOWN = new Set([
  ...[
    'accept-encoding',
    'cache-control',
    'connection',
    'content-length',
    'content-type',
    'date',
    'keep-alive',
  ],
  ...['idempotency-replayed', 'location', 'preference-applied', 'ratelimit', 'ratelimit-policy'],
  ...['retry-after', 'x-content-type-options'],
]);

describe('any headers of an upload', () => {
  const service = new Service();
  const agent = new Agent({ keepAlive: true });
  after(() => agent.destroy());

  it('are taken or refused with a 4xx, and escape into no header of the answer and no name', async () => {
    const token = await service.platform.token(OWNER);
    // Values that Node's own client lets through: all others are not one header, but several.
    const byte = fc.oneof(
      fc.integer({ min: 0x20, max: 0x7e }),
      fc.integer({ min: 0x80, max: 0xff }),
      fc.constant(9),
    );
    const latin1 = fc.string({ unit: byte.map((code) => String.fromCharCode(code)), maxLength: 60 });
    const pieces = fc.constantFrom(
      ...[
        'attachment',
        ';',
        'filename',
        'filename*',
        '=',
        '"',
        "UTF-8''",
        '%0d%0aset-cookie:%20escaped=1',
        '%00',
      ],
      ...[
        '../',
        '/',
        'text',
        'charset=',
        'wait=0',
        ',',
        ':',
        'sha-256',
        'sha-512',
        'identity',
        'gzip',
        '?1',
        '(',
        ' ',
      ],
    );
    const value = fc.oneof(
      latin1,
      fc.array(pieces, { maxLength: 10 }).map((parts) => parts.join('')),
    );
    // Mostly good, so that each header gets to be the one that is not.
    const orGood = (good: string) =>
      fc.oneof({ weight: 8, arbitrary: fc.constant(good) }, { weight: 1, arbitrary: value });
    const headers = fc.record(
      {
        'content-type': orGood('text/plain'),
        'content-disposition': fc.oneof(
          value,
          value.map((text) => `attachment; filename="${text}"`),
        ),
        'content-encoding': orGood('identity'),
        'repr-digest': orGood('md5=:AAAA:'),
        'content-digest': orGood(''),
        'idempotency-key': orGood('"a key"'),
        ...{ prefer: value, traceparent: value, 'x-escaped': value },
      },
      { requiredKeys: [] },
    );
    const statuses = new Map<number, number>();
    await fc.assert(
      fc.asyncProperty(headers, async (fields) => {
        const answer = await post({ ...fields, authorization: `Bearer ${token}` });
        const status = answer.statusCode ?? 0;
        statuses.set(status, (statuses.get(status) ?? 0) + 1);
        assert.ok((status >= 200 && status < 300) || (status >= 400 && status < 500), String(status));
        for (const [name, sent] of Object.entries(answer.headers)) {
          assert.ok(KNOWN.has(name), name);
          assert.match(String(sent), /^[\x20-\x7e]*$/);
        }
      }),
      { numRuns: 300 },
    );
    const taken = (statuses.get(201) ?? 0) + (statuses.get(202) ?? 0);
    assert.ok(taken > 30 && (statuses.get(400) ?? 0) > 30, JSON.stringify([...statuses]));
    for (const name of await service.names('permanent')) {
      assert.match(name, /^((files|verdicts)\/[0-9a-v]{43}|(idempotency|blobs\/sha256)\/[0-9a-f]{64})$/);
    }
  });

  async function post(headers: Record<string, string>): Promise<IncomingMessage> {
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
    const sending = request(`${service.url}/files`, { method: 'POST', agent, headers }, resolve);
    sending.on('error', reject);
    sending.end('x');
    const answer = await promise;
    for await (const _ of answer);
    return answer;
  }
});
