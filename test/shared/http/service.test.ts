import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pino } from 'pino';
import { httpService } from '../../../shared/http/service.ts';
import { StorageError } from '../../../shared/storage/error.ts';

describe('the answer to a request that storage failed', () => {
  let failure: StorageError;
  const service = httpService({
    log: pino({ level: 'silent' }, { write: () => undefined }),
    project: 'p',
    filesUrl: undefined,
    handler: async () => {
      throw failure;
    },
  });
  const server = createServer((request, response) => void service(request, response));
  before(async () => {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
  });
  after(() => {
    server.closeAllConnections();
    server.close();
  });

  for (const [status, reason, detail] of [
    [429, 'rateLimitExceeded', 'Too many changes at the same time. Try again.'],
    [0, 'contention', 'Too many changes at the same time. Try again.'],
    [0, 'timeout', 'Storage does not answer. Try again.'],
    [503, 'backendError', 'Storage does not answer. Try again.'],
  ] as const) {
    it(`says what to do after ${status} ${reason}`, async () => {
      failure = new StorageError('objects.patch', { status, reason });
      const { port } = server.address() as AddressInfo;
      const answer = await fetch(`http://127.0.0.1:${port}/`, { method: 'POST' });
      const problem = (await answer.json()) as { detail?: unknown };
      assert.deepEqual(
        [answer.status, answer.headers.get('retry-after'), problem.detail],
        [503, '5', detail],
      );
    });
  }
});
