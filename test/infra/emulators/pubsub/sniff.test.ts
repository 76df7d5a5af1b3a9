import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { sniff } from '../../../../infra/emulators/pubsub/src/sniff.ts';
import { settled } from './core/core.ts';

/** The protocol of a connection that begins with `bytes`, with the bytes that its handler reads. */
async function told(bytes: string, chunk: number) {
  const connection = new PassThrough();
  let answer = 'undecided';
  sniff(
    connection,
    () => (answer = 'HTTP/2'),
    () => (answer = 'HTTP/1.1'),
  );
  for (let at = 0; at < bytes.length; at += chunk) {
    connection.write(bytes.slice(at, at + chunk));
    await settled();
  }
  let rest = '';
  if (answer !== 'undecided') {
    connection.end();
    for await (const piece of connection) rest += piece;
  }
  return { answer, rest };
}

describe('the first bytes of a connection', () => {
  const cases: readonly (readonly [bytes: string, answer: string])[] = [
    ['PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'HTTP/2'],
    ['POST /v1/projects/p/topics/t:publish HTTP/1.1\r\n', 'HTTP/1.1'],
    ['PUT / HTTP/1.1\r\n', 'HTTP/1.1'],
    ['PRIORITY / HTTP/1.1\r\n', 'HTTP/1.1'],
    ['GET / HTTP/1.1\r\n', 'HTTP/1.1'],
  ];
  for (const [bytes, answer] of cases) {
    it(`tell ${answer} from ${JSON.stringify(bytes)}, whole or byte by byte, and are not lost`, async () => {
      for (const chunk of [bytes.length, 1])
        assert.deepEqual(await told(bytes, chunk), { answer, rest: bytes });
    });
  }

  it('are waited for while they may still be either', async () => {
    assert.equal((await told('PRI * HTTP/2.0', 1)).answer, 'undecided');
  });
});
