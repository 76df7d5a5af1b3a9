import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { reservePorts } from '../../infra/local/processes/ports.ts';
import { Authority } from '../support/certificates.ts';
import { receivedEvents } from '../support/received-events.ts';
import { accept, type Reaction, Receiver } from '../support/receiver.ts';
import { eventually, Service } from '../support/service.ts';

/** How a callback ends. */
type End = 'delivered at once' | 'delivered again' | 'dead letter' | 'given up';

interface Fault {
  readonly what: string;
  readonly end: End;
  /** Its reaction to the first attempt, or to all where it is a dead letter in the end. */
  readonly react: Reaction;
}

const answer =
  (status: number, headers: Record<string, string> = {}, body: string | Buffer = ''): Reaction =>
  (response) =>
    response.writeHead(status, headers).end(body);
/** Bytes in place of an answer, after which the line is closed, reset, or left open. */
const raw =
  (text: string, then: 'close' | 'reset' | 'nothing' = 'close'): Reaction =>
  (_, { socket }) => {
    socket.write(text);
    if (then === 'close') socket.end();
    if (then === 'reset') socket.resetAndDestroy();
  };
const endless: Reaction = (response) => {
  response.writeHead(200);
  const pump = (sink: ServerResponse): void => {
    while (!sink.destroyed && sink.write(Buffer.alloc(65_536)));
    if (!sink.destroyed) sink.once('drain', () => pump(sink));
  };
  pump(response);
};
const drip: Reaction = (_, { socket }) => {
  const text = 'HTTP/1.1 204 No Content\r\nx: '.padEnd(400, 'x');
  let at = 0;
  const timer = setInterval(() => {
    if (socket.destroyed || at === text.length) clearInterval(timer);
    else socket.write(text[at++] ?? '');
  }, 50);
};

/** The redirects lead to this path, where nothing may ever arrive. */
const TRAP = '/trap';

const AGAIN: readonly Fault[] = [
  ...[301, 302, 303, 307, 308].map((status) => ({
    what: `a redirect: ${status}`,
    react: answer(status, { location: TRAP }),
  })),
  ...[300, 304, 400, 401, 403, 404, 405, 408, 409, 413, 418, 421, 422, 425, 428, 431, 451].map((status) => ({
    what: `status ${status}`,
    react: answer(status),
  })),
  ...[500, 501, 502, 504, 507, 511, 599].map((status) => ({
    what: `status ${status}`,
    react: answer(status, {}, 'x'),
  })),
  { what: 'a redirect without a location', react: answer(302) },
  { what: 'a redirect to the metadata server', react: answer(302, { location: 'http://169.254.169.254/' }) },
  { what: 'status 500 with 50 MB', react: answer(500, {}, Buffer.alloc(50e6)) },
  { what: 'a line that is closed', react: raw('') },
  { what: 'a line that is reset', react: raw('', 'reset') },
  { what: 'half a status line', react: raw('HTTP/1.1 2') },
  { what: 'half a head', react: raw('HTTP/1.1 204 No Content\r\nserver: x') },
  { what: 'half a head and a reset', react: raw('HTTP/1.1 204 No Content\r\nserver: x', 'reset') },
  { what: 'half a head and silence', react: raw('HTTP/1.1 204 No Content\r\nserver: x', 'nothing') },
  { what: 'bytes that are not HTTP', react: raw('SSH-2.0-OpenSSH_9.9\r\n') },
  { what: 'a head of 64 KiB', react: raw(`HTTP/1.1 204 No Content\r\nx: ${'x'.repeat(65_536)}\r\n\r\n`) },
  { what: 'a status that is no number', react: raw('HTTP/1.1 OK\r\n\r\n') },
  { what: 'no answer', react: () => undefined },
  { what: 'an interim response and nothing more', react: raw('HTTP/1.1 102 Processing\r\n\r\n', 'nothing') },
  { what: 'a head that drips in', react: drip },
].map((fault) => ({ ...fault, end: 'delivered again' }));

const AT_ONCE: readonly Fault[] = [
  { what: 'a body of 50 MB', react: answer(200, {}, Buffer.alloc(50e6)) },
  { what: 'a body without an end', react: endless },
  { what: 'a body that is cut', react: raw('HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\nx', 'reset') },
  { what: 'a body that never comes', react: raw('HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n', 'nothing') },
  { what: 'a body in broken chunks', react: raw('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nZZ') },
  { what: 'a body that is no gzip', react: answer(200, { 'content-encoding': 'gzip' }, 'x') },
  { what: 'an answer of HTTP/1.0', react: raw('HTTP/1.0 200 OK\r\n\r\n') },
  {
    what: 'an interim response before it',
    react: raw('HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n'),
  },
  { what: 'two answers', react: raw('HTTP/1.1 204 No Content\r\n\r\nHTTP/1.1 500 No\r\n\r\n') },
  { what: 'status 226', react: answer(226) },
].map((fault) => ({ ...fault, end: 'delivered at once' }));

const FOR_EVER: readonly Fault[] = [
  { what: 'status 500 for ever', react: answer(500), end: 'dead letter' },
  { what: 'redirects for ever', react: answer(307, { location: TRAP }), end: 'dead letter' },
  { what: 'no answer for ever', react: () => undefined, end: 'dead letter' },
  { what: 'status 410', react: answer(410), end: 'given up' },
];

/** Attempts on this machine are five, of at most two seconds, with up to eight seconds between them. */
const ATTEMPTS = 5;
const UPLOADS_AT_A_TIME = 8;

interface SentFile {
  readonly id: string;
  readonly bytes: Buffer;
}

describe('a receiver of callbacks', function () {
  this.timeout(180_000);
  const authority = new Authority();
  const stranger = new Authority();
  /** Reacts by the number in the path, to each callback in another way. */
  const receiver = new Receiver();
  const patient = new Receiver();
  const trusted = new Receiver(authority.issue('IP:127.0.0.1'));
  const mistrusted = {
    'an expired certificate': new Receiver(authority.issue('IP:127.0.0.1', { expired: true })),
    'the certificate of another name': new Receiver(authority.issue('DNS:hooks.example')),
    'a certificate of an unknown authority': new Receiver(stranger.issue('IP:127.0.0.1')),
  };
  const receivers = [receiver, patient, trusted, ...Object.values(mistrusted)];
  let closedPort: number;

  before(async () => {
    [closedPort = 0] = await reservePorts('127.0.0.1', [{ port: 0, variable: '' }]);
    await Promise.all(receivers.map((each) => each.listen()));
  });
  after(async () => {
    await Promise.all(receivers.map((each) => each.close()));
    authority.remove();
    stranger.remove();
  });
  const withoutTls = () => receiver.origin.replace('http:', 'https:');
  const unanswered = () => `http://127.0.0.1:${closedPort}`;

  describe('that fails', () => {
    const service = new Service(
      () => ({
        CALLBACK_ORIGINS: [unanswered(), withoutTls(), ...receivers.map(({ origin }) => origin)].join(),
      }),
      {
        restartAfterMs: 50,
        adapt: (spec) =>
          spec.name === 'notify'
            ? {
                ...spec,
                env: {
                  ...spec.env,
                  CALLBACK_TIMEOUT_SECONDS: '2',
                  CALLBACKS_PER_ORIGIN: '200',
                  NODE_EXTRA_CA_CERTS: authority.path,
                },
              }
            : spec,
      },
    );

    /** Files whose callback is a dead letter. */
    const dead = new Set<string>();
    async function isDead({ id }: SentFile): Promise<boolean> {
      const letters = await receivedEvents(service.platform.pubsubHost, 'callbacks-dead');
      for (const { data } of letters) dead.add(data.fileId);
      return dead.has(id);
    }
    const idsOf = ({ id }: SentFile, at: Receiver): readonly string[] =>
      at.idsReceived().filter((received) => received.startsWith(id));
    const arrivals = (file: SentFile, at = receiver): number => idsOf(file, at).length;

    async function send(url: string): Promise<SentFile> {
      const bytes = randomBytes(500);
      const { id } = await service.upload(bytes, { 'callback-url': url });
      return { id, bytes };
    }
    async function isUnaffected({ id, bytes }: SentFile): Promise<void> {
      assert.equal((await service.decided(id)).state, 'clean');
      const download = await service.call('GET', `/files/${id}`);
      assert.ok(Buffer.from(await download.arrayBuffer()).equals(bytes));
    }

    const faults = [...AGAIN, ...AT_ONCE, ...FOR_EVER];
    const attempts = new Map<string, number>();
    const sent = new Map<string, SentFile>();
    const fileOf = (what: string): SentFile => sent.get(what) ?? assert.fail(what);

    before(async () => {
      receiver.otherwise((response, request) => {
        const path = request.url ?? '';
        const fault = faults[Number(path.slice(1))];
        const earlier = attempts.get(path) ?? 0;
        attempts.set(path, earlier + 1);
        const strikes = fault && (earlier === 0 || fault.end === 'dead letter');
        (strikes ? fault.react : accept)(response, request);
      });
      const urls = [
        ...faults.map(({ what }, index) => [what, `${receiver.origin}/${index}`] as const),
        ...Object.entries(mistrusted).map(([what, { origin }]) => [what, origin] as const),
        ['a port that nobody listens on', unanswered()] as const,
        ['no TLS', withoutTls()] as const,
      ];
      while (urls.length > 0) {
        const some = urls.splice(0, UPLOADS_AT_A_TIME);
        await Promise.all(some.map(async ([what, url]) => sent.set(what, await send(url))));
      }
    });

    for (const { what, end } of faults) {
      it(`with ${what}: ${end}, and the file is not affected`, async () => {
        const file = fileOf(what);
        if (end === 'dead letter') {
          await eventually(() => isDead(file));
          assert.ok(arrivals(file) >= ATTEMPTS);
        } else {
          const expected = end === 'delivered again' ? 2 : 1;
          await eventually(async () => arrivals(file) >= expected);
        }
        assert.equal(new Set(idsOf(file, receiver)).size, 1);
        await isUnaffected(file);
      });
    }

    for (const [what, at] of Object.entries(mistrusted)) {
      it(`with ${what}: dead letter, and it was sent nothing`, async () => {
        await eventually(() => isDead(fileOf(what)));
        assert.equal(at.received.length, 0);
        await isUnaffected(fileOf(what));
      });
    }

    for (const what of ['a port that nobody listens on', 'no TLS']) {
      it(`with ${what}: dead letter`, async () => {
        await eventually(() => isDead(fileOf(what)));
        await isUnaffected(fileOf(what));
      });
    }

    it('with a certificate that is trusted gets its callback', async () => {
      const file = await send(`${trusted.origin}/`);
      await eventually(async () => arrivals(file, trusted) === 1);
    });

    it('is not asked again after an answer that ended it, and redirects lead nowhere', async () => {
      for (const { what, end } of faults) {
        if (end !== 'delivered at once' && end !== 'given up') continue;
        assert.equal(arrivals(fileOf(what)), 1, what);
        assert.equal(await isDead(fileOf(what)), false, what);
      }
      assert.equal(attempts.has(TRAP), false);
    });

    for (const [what, retryAfter] of [
      ['seconds', '1'],
      ['a date', new Date(0).toUTCString()],
      ['nonsense', 'soon'],
    ] as const) {
      for (const status of [429, 503]) {
        it(`with status ${status} and Retry-After, ${what}: delivered again`, async () => {
          patient.next(answer(status, { 'retry-after': retryAfter }));
          const file = await send(`${patient.origin}/`);
          await eventually(async () => arrivals(file, patient) === 2);
          await isUnaffected(file);
        });
      }
    }

    for (const when of ['before', 'after'] as const) {
      it(`gets its callback where the notify function is killed ${when} its answer`, async () => {
        const killed = service.pid('notify');
        patient.next((response, request) => {
          if (when === 'after') accept(response, request);
          process.kill(killed, 'SIGKILL');
        });
        const file = await send(`${patient.origin}/`);
        await eventually(async () => arrivals(file, patient) >= (when === 'before' ? 2 : 1));
        await eventually(async () =>
          service.platform
            .status()
            .processes.some(
              ({ name, pid, state }) => name === 'notify' && state === 'ready' && pid !== killed,
            ),
        );
        assert.equal(new Set(idsOf(file, patient)).size, 1);
        await isUnaffected(file);
        assert.equal(await isDead(file), false);
      });
    }

    it('gets its callback where the record cannot be read for a while', async () => {
      const failing = { operation: 'objects.get', effect: { kind: 'error', status: 503 }, times: 8 } as const;
      let broken: Promise<void> | undefined;
      patient.next((response, request) => {
        broken = service.fault({
          ...failing,
          namePrefix: `files/${request.headers['webhook-id']}`.split('/', 2).join('/'),
        });
        void broken.then(() => answer(500)(response, request));
      });
      const file = await send(`${patient.origin}/`);
      await eventually(async () => arrivals(file, patient) === 2);
      await broken;
      await service.clearFaults();
      await isUnaffected(file);
    });
  });
});
