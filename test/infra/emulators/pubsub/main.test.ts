import assert from 'node:assert/strict';
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import * as v from 'valibot';
import { rest } from './rest-client.ts';

const program = fileURLToPath(new URL('../../../../infra/emulators/pubsub/src/main.ts', import.meta.url));
const ready = v.tuple([v.object({ ready: v.literal(true), host: v.string() }), v.optional(v.unknown())]);

async function output(child: ChildProcess, stream: 'stdout' | 'stderr'): Promise<string> {
  const from = child[stream];
  return from ? text(from) : '';
}

describe('the Pub/Sub emulator as a process', () => {
  it('tells its parent when it is ready and where, and ends cleanly on SIGTERM', async () => {
    const child = fork(program, ['0'], { silent: true });
    const said = output(child, 'stdout');
    const [{ host }] = v.parse(ready, await once(child, 'message'));
    assert.equal((await rest(host, 'PUT', '/topics/topic')).status, 200);
    const ended = once(child, 'exit');
    child.kill('SIGTERM');
    assert.deepEqual(await ended, [0, null]);
    assert.equal(await said, `pubsub: ready, PUBSUB_EMULATOR_HOST=${host}\n`);
  });

  it('fails with one line that names the port when that is taken', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = v.parse(v.object({ port: v.number() }), server.address());
    const child = fork(program, [], { silent: true, env: { ...process.env, PORT: String(port) } });
    const [[code], said] = await Promise.all([once(child, 'exit'), output(child, 'stderr')]);
    assert.equal(code, 1);
    assert.equal(said, `pubsub: port ${port} is in use; set PORT to a free one\n`);
    server.close();
  });

  it('fails with one line when the port is none', async () => {
    const child = fork(program, ['eighty'], { silent: true });
    const [[code], said] = await Promise.all([once(child, 'exit'), output(child, 'stderr')]);
    assert.equal(code, 1);
    assert.match(said, /^pubsub: "eighty" is no port; usage: .*\n$/);
  });
});
