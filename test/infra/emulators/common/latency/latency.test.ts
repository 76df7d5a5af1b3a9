import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { ConnectionRate } from '../../../../../infra/emulators/common/latency/connection-rate.ts';
import { Latency, parseLatency } from '../../../../../infra/emulators/common/latency/latency.ts';
import { startPubSubEmulator } from '../../../../../infra/emulators/pubsub/src/emulator.ts';
import { OPERATION_CLASSES } from '../../../../../infra/emulators/storage/src/operation.ts';
import { readPlatformConfig } from '../../../../../infra/local/processes/config.ts';
import { describeProcesses } from '../../../../../infra/local/processes/processes.ts';
import { IDENTITY } from '../../../../support/identity.ts';
import { EmulatorFixture, objectPath } from '../../storage/emulator-fixture.ts';

const PROFILE = {
  'objects.get': { medianMs: 30, p99Ms: 200 },
  'objects.insert': { medianMs: 75, p99Ms: 300 },
};
const PORTS = {
  ...{ gateway: 1, storage: 2, pubsub: 3, clamd: 4 },
  ...{ upload: 5, files: 6, scanner: 7, sweeper: 8 },
  ...{
    uploadFront: 9,
    filesFront: 10,
    scannerFront: 11,
    sweeperFront: 12,
    rescanner: 13,
    rescannerFront: 14,
    auditor: 17,
    auditorFront: 18,
    exporter: 19,
    exporterFront: 20,
    notify: 15,
    notifyFront: 16,
  },
};

const draw = (latency: Latency, operation: string, count: number) =>
  Array.from({ length: count }, () => latency.next(operation));

describe('latencies of a profile', () => {
  it('are the same for the same seed, and others for another', () => {
    const first = draw(new Latency(PROFILE, 7), 'objects.get', 50);
    assert.deepEqual(draw(new Latency(PROFILE, 7), 'objects.get', 50), first);
    assert.notDeepEqual(draw(new Latency(PROFILE, 8), 'objects.get', 50), first);
  });

  it('do not depend on which operations come between', () => {
    const alone = draw(new Latency(PROFILE, 7), 'objects.get', 10);
    const latency = new Latency(PROFILE, 7);
    const mixed = alone.map(() => {
      latency.next('objects.insert');
      return latency.next('objects.get');
    });
    assert.deepEqual(mixed, alone);
  });

  it('have the median and the 99th percentile of the profile', () => {
    const drawn = draw(new Latency(PROFILE, 1), 'objects.get', 100_000).sort((a, b) => a - b);
    const percentile = (share: number) => drawn[Math.floor(drawn.length * share)] ?? Number.NaN;
    assert.ok(Math.abs(percentile(0.5) - 30) < 1, String(percentile(0.5)));
    assert.ok(Math.abs(percentile(0.99) - 200) < 10, String(percentile(0.99)));
    assert.ok((drawn.at(-1) ?? 0) <= 1000);
    assert.equal(new Latency(PROFILE, 1).next('buckets.get'), 0);
  });

  it('pass half before the work and half after', async () => {
    const steps: string[] = [];
    const [expected = 0] = draw(new Latency(PROFILE, 3), 'objects.get', 1);
    const latency = new Latency(PROFILE, 3, async (ms) => void steps.push(ms.toFixed(3)));
    const result = await latency.around('objects.get', () => {
      steps.push('work');
      return 'done';
    });
    assert.equal(result, 'done');
    assert.deepEqual(steps, [(expected / 2).toFixed(3), 'work', (expected / 2).toFixed(3)]);
  });

  it('are chosen by name and seed, or not at all', () => {
    assert.equal(parseLatency('off'), undefined);
    assert.deepEqual(
      draw(parseLatency('google-cloud:42') ?? assert.fail(), 'objects.get', 5),
      draw(parseLatency('google-cloud:42') ?? assert.fail(), 'objects.get', 5),
    );
    for (const text of ['on', 'google-cloud:x', 'toString', '']) {
      assert.throws(() => parseLatency(text), /LATENCY should be off or google-cloud/, text);
    }
    assert.throws(
      () => readPlatformConfig({ LATENCY: 'slow' }, '/p'),
      /LATENCY .*should be off or google-cloud/,
    );
    const { storage, pubsub } = describeProcesses(
      readPlatformConfig({ LATENCY: 'google-cloud:5' }, '/p'),
      PORTS,
      IDENTITY,
    );
    assert.deepEqual([storage?.env['LATENCY'], pubsub?.env['LATENCY']], ['google-cloud:5', 'google-cloud:5']);
  });

  it('are constant in the profile flat, for every operation that google-cloud has but notifications', () => {
    const path = (name: string) =>
      new URL(`../../../../../infra/emulators/common/latency/${name}.json`, import.meta.url);
    const operations = (name: string): string[] =>
      Object.keys(JSON.parse(readFileSync(path(name), 'utf8')).operations);
    const expected = operations('google-cloud').filter((name) => name !== 'notify');
    assert.deepEqual(operations('flat'), expected);
    const latency = parseLatency('flat') ?? assert.fail();
    assert.deepEqual(draw(latency, 'objects.insert', 3), [40, 40, 40]);
    assert.deepEqual([latency.next('Publish'), latency.next('notify')], [30, 0]);
  });

  it('have a source beside each number, and belong to operations that there are', () => {
    const path = new URL('../../../../../infra/emulators/common/latency/google-cloud.json', import.meta.url);
    const { operations } = JSON.parse(readFileSync(path, 'utf8'));
    for (const [name, { medianMs, p99Ms, basis, source }] of Object.entries<Record<string, unknown>>(
      operations,
    )) {
      assert.ok(name in OPERATION_CLASSES || name === 'Publish', name);
      assert.ok(Number(medianMs) > 0 && Number(p99Ms) > Number(medianMs), name);
      assert.match(String(basis), /^(Google|third party|assumed)/, name);
      assert.ok(String(source).length > 0, name);
    }
  });
});

describe('the storage emulator with latencies', () => {
  const waited: number[] = [];
  const latency = new Latency(PROFILE, 1, async (ms) => void waited.push(ms));
  const fixture = new EmulatorFixture({ latency });

  it('waits for each operation as long as the profile says', async () => {
    await fixture.put('x', 'content');
    assert.equal((await fixture.call('GET', objectPath('x'))).status, 200);
    const expected = new Latency(PROFILE, 1);
    const halves = [expected.next('objects.insert'), expected.next('objects.get')].flatMap((ms) => [
      ms / 2,
      ms / 2,
    ]);
    assert.deepEqual(waited, halves);
  });
});

describe('the rate of a connection', () => {
  it('is kept over all that passes, for each connection on its own', async () => {
    let now = 1_000;
    const rate = new ConnectionRate(
      1_000_000,
      () => now,
      async (ms) => {
        now += ms;
      },
    );
    const [one, other] = [{}, {}];
    for (let at = 0; at < 100; at += 1) await rate.pass(one, 10_000);
    const taken = now - 1_000;
    assert.ok(taken >= 995 && taken <= 1_000, `1 MB at 1 MB/s took ${taken} ms`);
    await rate.pass(other, 500);
    assert.equal(now - 1_000, taken);
  });

  it('makes up for a timer that fires late, and not for a pause', async () => {
    let now = 0;
    const late = async (ms: number) => {
      now += ms + 2;
    };
    const rate = new ConnectionRate(1_000_000, () => now, late);
    const connection = {};
    for (let at = 0; at < 100; at += 1) await rate.pass(connection, 10_000);
    assert.ok(now <= 1_002, `${now} ms`);
    now += 60_000;
    const resumed = now;
    for (let at = 0; at < 10; at += 1) await rate.pass(connection, 10_000);
    assert.ok(now - resumed >= 95, `${now - resumed} ms`);
  });
});

describe('the storage emulator with a rate of a connection', () => {
  const latency = new Latency({}, 1, undefined, 1_000_000_000);
  const fixture = new EmulatorFixture({ latency });

  it('holds back what it receives, and what it sends of a large object', async () => {
    const passed = { received: 0, sent: 0 };
    const { rates = assert.fail() } = latency;
    for (const way of ['received', 'sent'] as const) {
      rates[way].pass = async (_, bytes) => {
        passed[way] += bytes;
      };
    }
    const content = 'x'.repeat(1_000_000);
    await fixture.put('large', content);
    assert.equal((await fixture.call('GET', `${objectPath('large')}?alt=media`)).text.length, content.length);
    assert.ok(passed.received >= content.length, 'with the parts of a multipart upload around it');
    assert.equal(passed.sent, content.length);
  });
});

describe('the Pub/Sub emulator with latencies', () => {
  it('waits for a publish', async () => {
    const waited: number[] = [];
    const profile = { Publish: { medianMs: 30, p99Ms: 200 } };
    const latency = new Latency(profile, 1, async (ms) => void waited.push(ms));
    const emulator = await startPubSubEmulator({ latency });
    try {
      const call = async (method: string, path: string, body: object) =>
        (
          await fetch(`http://${emulator.host}/v1/projects/p/topics/${path}`, {
            method,
            body: JSON.stringify(body),
          })
        ).status;
      assert.equal(await call('PUT', 'topic', {}), 200);
      assert.deepEqual(waited, []);
      assert.equal(await call('POST', 'topic:publish', { messages: [{ data: 'aGk=' }] }), 200);
      assert.equal(waited.length, 2);
    } finally {
      await emulator.stop();
    }
  });
});
