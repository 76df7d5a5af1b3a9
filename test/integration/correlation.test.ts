import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import type { Handle } from '../../shared/files/handle.ts';
import { type ReceivedEvent, receivedEvents } from '../support/received-events.ts';
import { EICAR, eventually, Service } from '../support/service.ts';
import { idOf, TusRequests } from '../support/tus.ts';

const JSON_TYPE = { 'content-type': 'application/json' };
const base64 = (text: string) => Buffer.from(text).toString('base64');

describe('the correlation id of an upload', () => {
  const service = new Service();
  const tus = new TusRequests(service);
  let tests = 0;
  const fresh = () => `message-${++tests}/attachment "1"`;

  const ways: Readonly<
    Record<string, (correlationId: string, bytes: Buffer<ArrayBuffer>) => Promise<Response>>
  > = {
    'POST /files': (id, body) => service.call('POST', '/files', { body, headers: { 'correlation-id': id } }),
    'POST /files with a form': async (id, bytes) => {
      const form = new FormData();
      form.append('file', new Blob([bytes]), 'a.bin');
      const sent = new Response(form);
      const headers = { 'content-type': sent.headers.get('content-type') ?? '', 'correlation-id': id };
      return service.call('POST', '/files', { body: Buffer.from(await sent.arrayBuffer()), headers });
    },
    'POST /uploads': (id, bytes) =>
      tus.send('POST', '/uploads', {
        headers: {
          'upload-length': String(bytes.length),
          'upload-metadata': `correlationId ${base64(id)}`,
        },
      }),
    'POST /uploads/direct': (correlationId, { length: size }) =>
      service.call('POST', '/uploads/direct', {
        body: JSON.stringify({ size, correlationId }),
        headers: JSON_TYPE,
      }),
  };

  const eventOf = (id: string, name = 'scan.completed.v1') =>
    eventually(async () =>
      (await service.events()).find(
        ({ attributes, data }) => attributes['eventType'] === name && data.fileId === id,
      ),
    );

  for (const [way, begin] of Object.entries(ways)) {
    it(`is told in the handle, in listings and in the event: ${way}`, async () => {
      const [correlationId, bytes] = [fresh(), randomBytes(100)];
      const begun = await begin(correlationId, bytes);
      assert.ok(begun.ok);
      const answer = (await begun.json()) as Handle & { handle?: Handle; uploadUrl?: string };
      const handle = answer.handle ?? answer;
      assert.equal(handle.correlationId, correlationId);
      if (way === 'POST /uploads') await tus.patch(`/uploads/${handle.id}`, 0, bytes);
      if (answer.uploadUrl) await fetch(answer.uploadUrl, { method: 'PUT', body: bytes });
      assert.equal((await service.decided(handle.id)).correlationId, correlationId);

      const query = new URLSearchParams({ correlationId });
      const listed = await service.call('GET', `/files?${query}`);
      const { files } = (await listed.json()) as { files: Handle[] };
      assert.deepEqual(
        files.map(({ id, correlationId: own }) => [id, own]),
        [[handle.id, correlationId]],
      );
      const { attributes, data } = await eventOf(handle.id);
      assert.deepEqual([attributes['correlationId'], data['correlationId']], [correlationId, correlationId]);
    });

    for (const [what, wrong] of [
      ['too long', 'x'.repeat(129)],
      ['not of ASCII', 'r\xf8ntgen'],
      ['empty', ''],
    ] as const) {
      it(`is refused where it is ${what}, and nothing is stored: ${way}`, async () => {
        const stored = async () => [
          ...(await service.names('permanent', 'files/')),
          ...(await service.names('unscanned')),
        ];
        const before = await stored();
        const refused = await begin(wrong, randomBytes(10));
        assert.equal(refused.status, 400);
        const { type, detail } = (await refused.json()) as { type: string; detail: string };
        assert.match(type, /invalid-request$/);
        assert.match(detail, /^[Cc]orrelation-?Id.* should be 1 to 128 printable ASCII characters/);
        const added = (await stored()).filter((name) => !before.includes(name));
        assert.deepEqual(added, []);
      });
    }
  }

  it('stays with the event of a file that is deleted', async () => {
    const correlationId = fresh();
    const { id } = await service.upload(randomBytes(10), { 'correlation-id': correlationId });
    await service.decided(id);
    assert.equal((await service.call('DELETE', `/files/${id}`)).status, 204);
    await service.sweeper('/collect');
    const { attributes, data } = await eventOf(id, 'file.deleted.v1');
    assert.deepEqual([attributes['correlationId'], data['correlationId']], [correlationId, correlationId]);
  });

  it('is part of what an idempotency key stands for', async () => {
    const [key, body] = [fresh(), randomBytes(10)];
    const send = (headers: Record<string, string>) =>
      service.call('POST', '/files', { body, headers: { 'idempotency-key': 'k17', ...headers } });
    assert.equal((await send({ 'correlation-id': key })).status, 202);
    const again = await send({ 'correlation-id': key });
    assert.equal(again.headers.get('idempotency-replayed'), 'true');
    for (const other of [{ 'correlation-id': fresh() }, {} as Record<string, string>]) {
      const refused = await send(other);
      assert.equal(refused.status, 422);
      assert.match(((await refused.json()) as { detail: string }).detail, /another Correlation-Id/);
    }
  });

  it('leads to the event before the upload is answered', async () => {
    const correlationId = fresh();
    const created = await fetch(
      `http://${service.platform.pubsubHost}/v1/projects/fileshare-local/subscriptions/of-one`,
      {
        method: 'PUT',
        headers: JSON_TYPE,
        body: JSON.stringify({
          topic: 'projects/fileshare-local/topics/scan-events',
          filter: `attributes.correlationId = ${JSON.stringify(correlationId)}`,
        }),
      },
    );
    assert.ok(created.ok);
    await service.decided((await service.upload(randomBytes(10), { 'correlation-id': fresh() })).id);

    process.kill(service.pid('scanner'), 'SIGSTOP');
    let answered = false;
    const answer = service
      .call('POST', '/files', {
        body: randomBytes(100),
        headers: { 'correlation-id': correlationId, prefer: 'wait=60' },
      })
      .finally(() => {
        answered = true;
      });
    // The file is there, and its uploader waits for the verdict: it is held, so that it cannot be the first to hear of it.
    const id = await eventually(async () => {
      const { objects } = await service.bucket('permanent').list({ prefix: 'files/', maxResults: 1000 });
      const [, found] =
        objects.find(({ metadata }) => metadata['correlationId'] === correlationId)?.name.split('/') ?? [];
      return found !== undefined && (await service.names('unscanned')).includes(found) && found;
    });
    process.kill(service.pid('upload'), 'SIGSTOP');
    try {
      process.kill(service.pid('scanner'), 'SIGCONT');
      const received: ReceivedEvent[] = [];
      await eventually(async () => {
        received.push(...(await receivedEvents(service.platform.pubsubHost, 'of-one')));
        return received.length > 0;
      });
      await turn();
      assert.equal(answered, false);
      assert.deepEqual(
        received.map(({ data: { fileId, verdict, correlationId: own } }) => [fileId, verdict, own]),
        [[id, 'clean', correlationId]],
      );
    } finally {
      process.kill(service.pid('upload'), 'SIGCONT');
    }
    const response = await answer;
    assert.equal(response.status, 201);
    assert.equal(((await response.json()) as Handle).id, id);
  });

  it('finds a file that was announced before a byte was sent', async () => {
    const [correlationId, bytes] = [fresh(), randomBytes(50)];
    const headers = {
      'upload-length': String(bytes.length),
      'upload-metadata': `correlationId ${base64(correlationId)}`,
    };
    const announced = await tus.send('POST', '/uploads', { headers });
    assert.equal(announced.status, 201);
    const path = announced.headers.get('location') ?? '';
    const { id, state, upload, links } = (await announced.json()) as Handle;
    assert.deepEqual([id, state, upload?.offset, upload?.length], [idOf(path), 'uploading', 0, bytes.length]);
    assert.equal((await service.status(id)).state, 'uploading');
    assert.ok(links.status.endsWith(`/files/${id}/status`));
    assert.equal((await tus.patch(path, 0, bytes)).status, 204);
    assert.equal((await service.decided(id)).state, 'clean');
    assert.equal((await eventOf(id)).attributes['correlationId'], correlationId);
  });
});

describe('an event tells of its upload', () => {
  const service = new Service();
  const eventOf = (id: string) =>
    eventually(async () => (await service.events()).find(({ data }) => data.fileId === id));

  /** Traces of the log lines of a function that name the file. */
  const tracesOf = (name: string, id: string): string[] =>
    readFileSync(join(service.platform.status().data, `logs/${name}.log`), 'utf8')
      .split('\n')
      .filter((line) => line.includes(id) && !line.includes('"action":"scan"'))
      .map((line) => (JSON.parse(line) as Record<string, string>)['logging.googleapis.com/trace'] ?? 'none');

  for (const [what, headers, trace] of [
    ['sender', { traceparent: `00-${'c'.repeat(32)}-${'d'.repeat(16)}-01` }, 'c'.repeat(32)],
    ['gateway', {}, '[0-9a-f]{32}'],
  ] as const) {
    it(`the trace that its ${what} began, which the log lines of its scan have too`, async () => {
      const { id } = await service.upload(randomBytes(100), { ...headers });
      const { attributes } = await eventOf(id);
      const [, traceId = ''] =
        new RegExp(`^00-(${trace})-[0-9a-f]{16}-[0-9a-f]{2}$`).exec(attributes['ce-traceparent'] ?? '') ?? [];
      assert.ok(traceId);
      for (const name of ['upload', 'scanner']) {
        const traces = await eventually(async () => {
          const found = tracesOf(name, id);
          return found.length > 0 && found;
        });
        assert.deepEqual(new Set(traces), new Set([`projects/fileshare-local/traces/${traceId}`]), name);
      }
    });
  }

  for (const [what, content] of [
    ['clean', 'the same bytes twice'],
    ['malware', EICAR],
  ] as const) {
    it(`when it was decided, and that an earlier scan did it: ${what}`, async () => {
      const first = await service.upload(content);
      const scanned = await service.decided(first.id);
      const second = await service.upload(content);
      const reused = await service.decided(second.id);
      assert.equal(scanned.reused, undefined);
      assert.deepEqual([reused.reused, reused.scannedAt], [true, scanned.scannedAt]);

      const [a, b] = [await eventOf(first.id), await eventOf(second.id)];
      assert.deepEqual([a.attributes['ce-time'], a.data['reused']], [a.data['scannedAt'], undefined]);
      assert.deepEqual([b.data['scannedAt'], b.data['reused']], [scanned.scannedAt, true]);
      assert.ok(Date.parse(b.attributes['ce-time'] ?? '') >= Date.parse(second.createdAt));
    });
  }

  it('its deployment', async () => {
    const { id, links } = await service.upload(randomBytes(10));
    const { attributes } = await eventOf(id);
    assert.equal(`${attributes['ce-source']}/${attributes['ce-subject']}`, links.self);
  });
});
