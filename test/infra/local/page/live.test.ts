import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { startPubSubEmulator } from '../../../../infra/emulators/pubsub/src/emulator.ts';
import { createScanEvents } from '../../../../infra/local/events/scan-events.ts';
import { Feed } from '../../../../infra/local/page/feed.ts';
import { createLive } from '../../../../infra/local/page/live.ts';
import { timingsIn } from '../../../../infra/local/page/timings.ts';
import { GCP_PROJECT, SCAN_EVENTS_TOPIC } from '../../../../infra/local/processes/addresses.ts';
import { findGoogleEmulator, startGoogleEmulator } from '../../../contract/pubsub/google-emulator.ts';
import { eventually } from '../eventually.ts';

const MEASURED = { fileId: 'a', arrivedAt: '2026-11-25T08:00:00.000Z', waitMs: 1, scanMs: 2, moveMs: 3 };
const LINE = JSON.stringify({ severity: 'INFO', service: 'scanner', ...MEASURED, message: 'scan completed' });

const google = await findGoogleEmulator();

describe('the timings in the log of the scanner', () => {
  it('are those of a scan', () => {
    assert.deepEqual(timingsIn(LINE), MEASURED);
  });

  it('have no scan where there was none', () => {
    const { scanMs: _, ...unread } = MEASURED;
    assert.deepEqual(timingsIn(JSON.stringify({ ...unread, message: 'scan completed' })), unread);
  });

  for (const [what, line] of [
    ['another line', '{"message":"event ignored","fileId":"a","waitMs":1,"moveMs":1}'],
    ['a line that quotes it', '{"message":"odd","why":"scan completed","fileId":"a"}'],
    ['a scan that another instance began', '{"message":"scan completed","fileId":"a","verdict":"clean"}'],
    ['a line that is cut off', LINE.slice(0, -5)],
  ] as const) {
    it(`are none in ${what}`, () => assert.equal(timingsIn(line), undefined));
  }
});

/** A server whose answers a test writes, and what a client has read of one. */
async function serve(answer: (response: ServerResponse) => void): Promise<{ server: Server; url: string }> {
  const server = createServer((request, response) => {
    request.resume();
    answer(response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

async function read(url: string): Promise<{ text: () => string; type: string | null; leave: () => void }> {
  const leaving = new AbortController();
  const response = await fetch(url, { signal: leaving.signal });
  let text = '';
  void (async () => {
    for await (const piece of response.body ?? []) text += Buffer.from(piece).toString();
  })().catch(() => undefined);
  return { text: () => text, type: response.headers.get('content-type'), leave: () => leaving.abort() };
}

describe('the live feed of the page', () => {
  const servers: Server[] = [];
  afterEach(() => {
    for (const server of servers.splice(0)) {
      server.closeAllConnections();
      server.close();
    }
  });

  async function watched(feed: Pick<Feed, 'watch'>, lastId?: string) {
    const { server, url } = await serve((response) => feed.watch(response, lastId));
    servers.push(server);
    return read(url);
  }

  it('tells what was before, and what comes', async () => {
    const feed = new Feed();
    feed.add('a', { text: 'two\nlines' });
    const page = await watched(feed);
    assert.equal(page.type, 'text/event-stream');
    await eventually(() => /event: a\ndata: \{"text":"two\\nlines"\}\n\n$/.test(page.text()));
    feed.add('b', 1);
    await eventually(() => /event: b\ndata: 1\n\n$/.test(page.text()));
  });

  it('tells who comes back the rest, and who comes back to another run everything', async () => {
    const feed = new Feed();
    feed.add('a', 1);
    feed.add('a', 2);
    const page = await watched(feed);
    await eventually(() => page.text().includes('data: 2'));
    const [first = ''] = /(?<=id: ).*/.exec(page.text()) ?? [];
    const back = await watched(feed, first);
    await eventually(() => back.text().includes('data: 2'));
    assert.doesNotMatch(back.text(), /data: 1/);
    const other = await watched(feed, 'another.2');
    await eventually(() => other.text().includes('data: 2'));
    assert.match(other.text(), /data: 1/);
  });

  it('keeps the newest for those who come late, and no more', async () => {
    const feed = new Feed();
    for (let count = 1; count <= 501; count += 1) feed.add('a', count);
    const page = await watched(feed);
    await eventually(() => page.text().includes('data: 501\n'));
    assert.doesNotMatch(page.text(), /data: 1\n/);
    assert.match(page.text(), /data: 2\n/);
  });

  it('forgets who left', async () => {
    const feed = new Feed();
    const closed = Promise.withResolvers<void>();
    const { server, url } = await serve((response) => {
      feed.watch(response, undefined);
      response.on('close', () => {
        response.write = () => assert.fail('nobody reads this');
        closed.resolve();
      });
    });
    servers.push(server);
    (await read(url)).leave();
    await closed.promise;
    feed.add('a', 1);
  });

  it('brings what its subscription gets, acknowledged, also from an emulator that comes and goes', async () => {
    const asked: string[] = [];
    const answers = [
      { status: 404, body: {} },
      { status: 200, body: 'no object' },
      {
        status: 200,
        body: { receivedMessages: [{ ackId: '7', message: { messageId: '1', data: 'e30=' } }] },
      },
      { status: 200, body: {} },
    ];
    const { server, url } = await serve((response) => {
      const path = response.req.url ?? '';
      asked.push(path.replace(/.*:/, ''));
      const next = path.endsWith(':pull') ? answers.shift() : undefined;
      if (!next) return void response.destroy();
      response.writeHead(next.status).end(JSON.stringify(next.body));
    });
    servers.push(server);
    const stop = new AbortController();
    const live = createLive(new URL(url).host, stop.signal);
    assert.deepEqual(asked, [], 'nothing is pulled before somebody looks');
    live.read('upload', LINE);
    live.read('scanner', LINE);
    const page = await watched(live);
    await eventually(() => page.text().includes('event: pubsub\ndata: {"messageId":"1","data":"e30="}'));
    assert.match(page.text(), /event: timings\ndata: \{"fileId":"a"/);
    assert.equal(page.text().split('event: timings').length, 2, 'of the scanner alone');
    await eventually(() => asked.filter((method) => method === 'acknowledge').length === 1);
    await eventually(() => asked.at(-1) === 'pull' && answers.length === 0);
    stop.abort();
  });

  for (const [name, start] of [
    ['the embedded emulator', () => startPubSubEmulator()],
    ...(google ? [['Google’s emulator', () => startGoogleEmulator(google)] as const] : []),
  ] as const) {
    it(`brings what is published at ${name}, before somebody looks and after`, async () => {
      const emulator = await start();
      const stop = new AbortController();
      const publish = async (data: string) => {
        const url = `http://${emulator.host}/v1/projects/${GCP_PROJECT}/topics/${SCAN_EVENTS_TOPIC}:publish`;
        const message = { data: btoa(data), attributes: { 'ce-type': data } };
        const headers = { 'content-type': 'application/json' };
        const body = JSON.stringify({ messages: [message] });
        assert.ok((await fetch(url, { method: 'POST', headers, body })).ok);
      };
      try {
        await createScanEvents(emulator.host, stop.signal);
        await publish('early');
        const page = await watched(createLive(emulator.host, stop.signal));
        await eventually(() => page.text().includes('"ce-type":"early"'));
        await publish('late');
        await eventually(() => page.text().includes('"ce-type":"late"'));
        assert.equal(page.text().split('event: pubsub').length, 3, 'each once');
      } finally {
        stop.abort();
        await emulator.stop();
      }
    });
  }
});
