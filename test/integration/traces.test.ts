import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import type { SweepReport } from '../../functions/sweeper/sweep.ts';
import { reservePorts } from '../../infra/local/processes/ports.ts';
import { notificationOf } from '../../shared/events/finalized.ts';
import { accepts, Collector, type ReceivedSpan } from '../support/otlp/collector.ts';
import { Receiver } from '../support/receiver.ts';
import { eventually, OWNER, Service } from '../support/service.ts';
import { idOf, TusRequests } from '../support/tus.ts';

const base64 = (text: string): string => Buffer.from(text).toString('base64');
const NAME = 'kari-nordmann-epikrise.pdf';
const SECRET_PATH = 'path-of-the-receiver';

describe('a trace', () => {
  const collector = new Collector();
  const receiver = new Receiver();
  before(async () => {
    const [port = 0] = await reservePorts('127.0.0.1', [{ port: 0, variable: '' }]);
    await receiver.listen(port);
    await collector.listen();
  });
  const service = new Service(() => ({
    CALLBACK_ORIGINS: receiver.origin,
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.endpoint,
    STUCK_AFTER_SECONDS: '2',
  }));
  after(async () => {
    await receiver.close();
    await collector.close();
  });
  afterEach(async () => {
    await service.clearFaults();
    assert.deepEqual(collector.violations, []);
  });
  const tus = new TusRequests(service);
  const callbackUrl = (): string => `${receiver.origin}/${SECRET_PATH}`;

  const newTrace = (flags = '01') => {
    const [traceId, spanId] = [randomBytes(16).toString('hex'), randomBytes(8).toString('hex')];
    return { traceId, spanId, traceparent: `00-${traceId}-${spanId}-${flags}` };
  };
  const callbackOf = (id: string) =>
    eventually(async () => receiver.received.find(({ headers }) => headers['webhook-id']?.startsWith(id)));
  const eventOf = (id: string) =>
    eventually(async () => (await service.events()).find(({ data }) => data.fileId === id));
  const named = (spans: readonly ReceivedSpan[], name: string): ReceivedSpan[] =>
    spans.filter((span) => span.name === name);
  /** The spans of a trace, once each of these names has come: processes export theirs in any order. */
  const until = (traceId: string, ...names: string[]): Promise<readonly ReceivedSpan[]> =>
    eventually(async () => {
      const spans = collector.of(traceId);
      const isThere = (name: string) =>
        named(spans, name).length >= names.filter((other) => other === name).length;
      return names.every(isThere) && spans;
    });
  const one = (spans: readonly ReceivedSpan[], name: string): ReceivedSpan => {
    const found = named(spans, name);
    assert.equal(found.length, 1, `${name}: ${spans.map((span) => span.name).join(', ')}`);
    return found[0] as ReceivedSpan;
  };

  const WAYS = {
    'POST /files': async (traceparent: string) => {
      const headers = {
        traceparent,
        'callback-url': callbackUrl(),
        'content-disposition': `attachment; filename="${NAME}"`,
      };
      return (await service.upload(randomBytes(1000), headers)).id;
    },
    'POST /uploads': async (traceparent: string) => {
      const bytes = randomBytes(1000);
      const pairs = { filename: NAME, callbackUrl: callbackUrl() };
      const metadata = Object.entries(pairs).map(([key, value]) => `${key} ${base64(value)}`);
      const headers = { traceparent, 'upload-length': '1000', 'upload-metadata': metadata.join() };
      const path = await tus.create(headers);
      assert.equal((await tus.patch(path, 0, bytes)).status, 204);
      return idOf(path);
    },
    'POST /uploads/direct': async (traceparent: string) => {
      const bytes = randomBytes(1000);
      const opened = await service.call('POST', '/uploads/direct', {
        body: JSON.stringify({ size: 1000, fileName: NAME, callbackUrl: callbackUrl() }),
        headers: { 'content-type': 'application/json', traceparent },
      });
      const { uploadUrl, handle } = (await opened.json()) as { uploadUrl: string; handle: { id: string } };
      assert.equal((await fetch(uploadUrl, { method: 'PUT', body: bytes })).status, 200);
      return handle.id;
    },
  };

  for (const [way, upload] of Object.entries(WAYS)) {
    it(`is one from ${way} to the callback`, async () => {
      const { traceId, spanId, traceparent } = newTrace();
      const id = await upload(traceparent);
      const callback = await callbackOf(id);
      const spans = await until(traceId, way, 'process', 'process callbacks');

      const request = one(spans, way);
      assert.deepEqual([request.kind, request.parentSpanId, request.failed], ['SERVER', spanId, false]);
      assert.equal(request.attributes['http.request.method'], 'POST');
      assert.equal(request.attributes['http.route'], way.replace('POST ', ''));
      assert.equal(request.resource['service.name'], 'upload');

      const scan = one(spans, 'process');
      assert.deepEqual([scan.kind, scan.parentSpanId, scan.failed], ['CONSUMER', request.spanId, false]);
      assert.equal(scan.attributes['fileshare.verdict'], 'clean');
      assert.equal(scan.resource['service.name'], 'scanner');
      for (const step of ['scan bytes', 'write verdict']) {
        assert.equal(one(spans, step).parentSpanId, scan.spanId);
      }

      const send = one(spans, 'send scan-events');
      assert.deepEqual([send.kind, send.parentSpanId], ['PRODUCER', scan.spanId]);
      assert.equal(send.attributes['messaging.system'], 'gcp_pubsub');
      assert.equal(send.attributes['messaging.destination.name'], 'scan-events');

      const notify = one(spans, 'process callbacks');
      assert.deepEqual(
        [notify.kind, notify.parentSpanId, notify.links],
        ['CONSUMER', request.spanId, [send.spanId]],
      );
      assert.equal(notify.attributes['messaging.destination.subscription.name'], 'callbacks');
      const post = one(spans, 'POST');
      assert.deepEqual([post.kind, post.parentSpanId], ['CLIENT', notify.spanId]);
      assert.equal(post.attributes['http.response.status_code'], 204);

      assert.equal(callback.headers['traceparent'], `00-${traceId}-${post.spanId}-01`);
      const body = JSON.parse(callback.body) as Record<string, string>;
      assert.equal(body['traceparent'], `00-${traceId}-${request.spanId}-01`);
      for (const span of [scan, notify]) assert.equal(span.attributes['fileshare.file.id'], id);
      const ids = new Set([spanId, ...spans.map((span) => span.spanId)]);
      assert.deepEqual(
        spans.filter((span) => !ids.has(span.parentSpanId)),
        [],
      );
    });
  }

  it('has the requests of a tus upload that began in another one as links', async () => {
    const [created, sent] = [newTrace(), newTrace()];
    const path = await tus.create({ traceparent: created.traceparent, 'upload-length': '5' });
    await tus.patch(path, 0, Buffer.from('bytes'), { traceparent: sent.traceparent });
    const creation = one(await until(created.traceId, 'process', 'POST /uploads'), 'POST /uploads');
    const patch = one(await until(sent.traceId, 'PATCH /uploads/{}'), 'PATCH /uploads/{}');
    assert.deepEqual(patch.links, [creation.spanId]);
  });

  it('has a second delivery that joins a scan as a span that links to it', async () => {
    await service.fault({ operation: 'notify', effect: { kind: 'error', status: 503 } });
    await service.fault({ operation: 'objects.getMedia', times: 1, effect: { kind: 'delay', ms: 1500 } });
    const { traceId, traceparent } = newTrace();
    const { id } = await service.upload(randomBytes(1000), { traceparent });
    const object = await eventually(() => service.bucket('unscanned').stat(id));
    const { data, attributes } = notificationOf(object, new Date());
    const push = async (deliveryAttempt: number) => {
      const message = { data: data.toString('base64'), attributes, messageId: '7' };
      const body = JSON.stringify({ message, subscription: 'projects/p/subscriptions/s', deliveryAttempt });
      const headers = { 'content-type': 'application/json' };
      return (await fetch(service.platform.scannerUrl, { method: 'POST', headers, body })).status;
    };
    assert.deepEqual(await Promise.all([push(1), push(2)]), [204, 204]);
    const spans = await until(traceId, 'process s', 'process s', 'POST /files');
    const [joined, first] = named(spans, 'process s').sort((a, b) => b.links.length - a.links.length);
    assert.deepEqual([first?.links, joined?.links], [[], [first?.spanId]]);
    const attempt = 'messaging.gcp_pubsub.message.delivery_attempt';
    const said = [first, joined].map((span) => [
      span?.attributes[attempt],
      span?.attributes['messaging.message.id'],
    ]);
    // Either may have come first.
    assert.deepEqual(said.sort(), [
      [1, '7'],
      [2, '7'],
    ]);
    assert.equal(joined?.parentSpanId, one(spans, 'POST /files').spanId);
    assert.equal(named(spans, 'scan bytes').length, 1);
  });

  it('has a scan that the sweeper asked for as a child of the upload, linked to the sweep', async () => {
    await service.fault({ operation: 'notify', effect: { kind: 'error', status: 503 } });
    const { traceId, traceparent } = newTrace();
    const { id } = await service.upload(randomBytes(1000), { traceparent });
    await eventually(async () => {
      const report = (await (await service.sweeper('/sweep')).json()) as SweepReport;
      return report.unscanned.redriven === 1;
    });
    assert.equal((await service.decided(id)).state, 'clean');
    const spans = await until(traceId, 'process finalized-scanner', 'POST /files');
    const scan = one(spans, 'process finalized-scanner');
    const upload = one(spans, 'POST /files');
    assert.equal(scan.parentSpanId, upload.spanId);
    assert.equal(scan.attributes['messaging.destination.subscription.name'], 'finalized-scanner');
    const send = await eventually(async () => collector.spans.find(({ spanId }) => spanId === scan.links[0]));
    assert.deepEqual([send.name, send.kind, send.links], ['send finalized', 'PRODUCER', [upload.spanId]]);
    assert.notEqual(send.traceId, traceId);
    const sweep = one(await until(send.traceId, 'POST /sweep'), 'POST /sweep');
    assert.equal(send.parentSpanId, sweep.spanId);
  });

  it('that its sender does not sample is carried to the event and the callback, and never exported', async () => {
    const { traceId, spanId, traceparent } = newTrace('00');
    const id = await WAYS['POST /files'](traceparent);
    const { attributes } = await eventOf(id);
    const callback = await callbackOf(id);
    for (const carried of [attributes['ce-traceparent'], callback.headers['traceparent']]) {
      assert.match(String(carried), new RegExp(`^00-${traceId}-(?!${spanId})[0-9a-f]{16}-00$`));
    }
    // Spans leave in order: a later trace is there, and this one is not.
    const later = newTrace();
    await callbackOf(await WAYS['POST /files'](later.traceparent));
    await until(later.traceId, 'process callbacks');
    assert.deepEqual(collector.of(traceId), []);
  });

  for (const traceparent of [
    'garbage',
    `00-${'0'.repeat(32)}-${'1'.repeat(16)}-01`,
    `ff-${'1'.repeat(300)}`,
  ]) {
    it(`begins anew where a header is no trace: ${traceparent.slice(0, 20)}`, async () => {
      const { id } = await service.upload(randomBytes(100), { traceparent });
      const { attributes } = await eventOf(id);
      assert.match(String(attributes['ce-traceparent']), /^00-(?!0{32})[0-9a-f]{32}-[0-9a-f]{16}-01$/);
      const [, traceId = ''] = attributes['ce-traceparent']?.split('-') ?? [];
      one(await until(traceId, 'process', 'POST /files'), 'POST /files');
    });
  }

  it('has a refused request, and no path that a client chose', async () => {
    const { traceId, traceparent } = newTrace();
    const headers = { traceparent };
    const answer = await fetch(`${service.url}/files/${encodeURIComponent(NAME)}/status`, { headers });
    assert.equal(answer.status, 401);
    const span = one(await until(traceId, 'GET /files/{}/status'), 'GET /files/{}/status');
    assert.deepEqual([span.attributes['http.response.status_code'], span.failed], [401, false]);
  });

  it('has no file name, no principal, no token and no address of a receiver in it', async () => {
    const { traceId, traceparent } = newTrace();
    await callbackOf(await WAYS['POST /files'](traceparent));
    await until(traceId, 'process callbacks');
    const sent = collector.texts.join('\n');
    for (const secret of [NAME, 'epikrise', OWNER, OWNER.replace('org:', ''), SECRET_PATH, 'eyJ', 'Bearer']) {
      assert.ok(!sent.includes(secret), secret);
    }
  });

  it('is complete though the collector was down: what it missed comes with the next request', async () => {
    collector.react = (response) => response.writeHead(503).end();
    try {
      const { traceId, traceparent } = newTrace();
      const before = collector.requests;
      await service.decided((await service.upload(randomBytes(100), { traceparent })).id);
      await eventually(async () => collector.requests >= before + 2);
      assert.deepEqual(collector.of(traceId), []);
      collector.react = accepts;
      const spans = await eventually(async () => {
        // The failed attempt may go on for seconds.
        await service.upload(randomBytes(100));
        const found = collector.of(traceId);
        return named(found, 'process').length > 0 && named(found, 'POST /files').length > 0 && found;
      });
      one(spans, 'send scan-events');
    } finally {
      collector.react = accepts;
    }
  });

  it('is exported when its process is told to end', async () => {
    const held: (() => void)[] = [];
    collector.react = (response) => void held.push(() => accepts(response));
    try {
      await service.upload(randomBytes(100));
      await eventually(async () => held.length > 0);
      // This one ends while an export is under way, and nothing comes after it.
      const { traceId, traceparent } = newTrace();
      await fetch(`${service.url}/files`, { method: 'OPTIONS', headers: { traceparent } });
      process.kill(service.pid('upload'), 'SIGTERM');
      collector.react = accepts;
      for (const answer of held) answer();
      one(await until(traceId, 'OPTIONS /files'), 'OPTIONS /files');
    } finally {
      collector.react = accepts;
    }
  });
});

describe('a service whose collector never answers', () => {
  const collector = new Collector();
  collector.react = () => undefined;
  before(() => collector.listen());
  const service = new Service(() => ({ OTEL_EXPORTER_OTLP_ENDPOINT: collector.endpoint }));
  after(() => collector.close());

  it('takes files in, scans them and publishes their events as any other', async () => {
    for (let n = 0; n < 20; n++) {
      assert.equal((await service.decided((await service.upload(randomBytes(100))).id)).state, 'clean');
    }
    assert.ok(collector.requests > 0);
    await eventually(async () => (await service.events()).length >= 20);
  });
});

describe('a service whose collector is not there', () => {
  const service = new Service({ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1' });

  it('takes files in, scans them and publishes their events as any other', async () => {
    const { id } = await service.upload(randomBytes(100));
    assert.equal((await service.decided(id)).state, 'clean');
    await eventually(async () => (await service.events()).some(({ data }) => data.fileId === id));
  });
});
