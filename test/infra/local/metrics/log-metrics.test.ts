import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readingsOf } from '../../../../client/src/cli/readings.ts';
import { COUNTERS, DISTRIBUTIONS, LogMetrics } from '../../../../infra/local/metrics/log-metrics.ts';
import { answerQuery, type MetricSources } from '../../../../infra/local/metrics/query.ts';

const TERRAFORM = join(import.meta.dirname, '../../../../terraform');
const MODULE = globSync('*.tf', { cwd: TERRAFORM })
  .map((file) => readFileSync(join(TERRAFORM, file), 'utf8'))
  .join('\n');
const SERVICES: Readonly<Record<string, readonly string[]>> = {
  scanner_log: ['scanner'],
  rescanner_log: ['rescanner'],
  sweeper_log: ['sweeper'],
  auditor_log: ['auditor'],
  both_logs: ['scanner', 'sweeper'],
  scanner_logs: ['scanner', 'rescanner'],
};
const HOUR = 3_600_000;

/** Metrics of the module, by name: services, message, and label or field. */
function declared(): Map<string, { services: readonly string[]; message: string; of: string | undefined }> {
  const line =
    /^ +(\w+) += \{ (?:alert = [^{}]+?, )?(?:label|field) = (?:"([\w.]+)"|null), filter = "\$\{local\.(\w+)\} AND jsonPayload\.message=\\"([^"]+)\\"/gm;
  return new Map(
    [...MODULE.matchAll(line)].map(([, name = '', of, log = '', message = '']) => [
      name,
      { services: SERVICES[log] ?? [], message, of },
    ]),
  );
}

function line(message: string, members: object = {}): string {
  return JSON.stringify({ severity: 'INFO', message, ...members });
}

describe('metrics of the log lines, on one machine', () => {
  it('are those of the Terraform module', () => {
    const module = declared();
    assert.ok(module.size >= 12, `${module.size} found`);
    for (const [name, counter] of Object.entries(COUNTERS)) {
      const { services, message } = counter;
      const of = 'label' in counter ? counter.label : undefined;
      assert.deepEqual({ services, message, of }, module.get(name), name);
    }
    for (const [name, { services, message, field }] of Object.entries(DISTRIBUTIONS)) {
      assert.deepEqual({ services, message, of: field }, module.get(name), name);
    }
  });

  it('are asked for by the names that the module gives them, and by those of Google', () => {
    const names = new Set(
      [...MODULE.matchAll(/^ +(\w+) += \{ (?:label|field) = /gm)].map(([, name]) => name),
    );
    const google = new Set(MODULE.match(/\b(run|pubsub)_googleapis_com:\w+/g));
    // Cloud Run's: https://cloud.google.com/monitoring/api/metrics_gcp_p_z#gcp-run
    google.add('run_googleapis_com:container_instance_count');
    for (const { query, name } of readingsOf('my-files')) {
      const [, ofLogs] = /logging_googleapis_com:user_my_files_(\w+?)(?:_bucket|_sum)?\{/.exec(query) ?? [];
      const [ofGoogle = ''] = /\b(?:run|pubsub)_googleapis_com:\w+/.exec(query) ?? [];
      assert.ok(ofLogs === undefined ? google.has(ofGoogle) : names.has(ofLogs), `${name}: ${query}`);
    }
  });

  it('count by label, in a window, what the right service logs', () => {
    let now = 0;
    const metrics = new LogMetrics(() => now);
    metrics.read('scanner', line('scan completed', { verdict: 'clean', verdictSeconds: 2 }));
    now = HOUR;
    for (const verdictSeconds of [1, 3]) {
      metrics.read('scanner', line('scan completed', { verdict: 'clean', verdictSeconds }));
    }
    metrics.read('sweeper', line('scan completed', { verdict: 'infected' }));
    metrics.read('files', line('scan completed', { verdict: 'clean', verdictSeconds: 100 }));
    metrics.read('scanner', 'no JSON');
    metrics.read('scanner', '{"message":"scan compl');
    now = HOUR + 1;
    assert.deepEqual(Object.fromEntries(metrics.increase('scans', HOUR)), { clean: 2, infected: 1 });
    assert.equal(metrics.quantile(0.5, 'verdict_seconds', HOUR), 1);
    assert.equal(metrics.quantile(1, 'verdict_seconds', 2 * HOUR), 3);
    assert.equal(metrics.quantile(0.5, 'signature_age_seconds', HOUR), undefined);
  });

  it('have values by service, also of members of members', () => {
    const metrics = new LogMetrics();
    for (const slotsUsed of [0.5, 2])
      metrics.read('scanner', line('slots in use', { slotsUsed, slotsFree: 1 }));
    metrics.read('rescanner', line('slots in use', { slotsUsed: 1 }));
    metrics.read('sweeper', line('slots in use', { slotsUsed: 9 }));
    metrics.read('sweeper', line('re-scans requested', { behindSeconds: 5, jobs: { behindSeconds: 7 } }));
    metrics.read('sweeper', line('re-scans requested', { behindSeconds: 5 }));
    assert.deepEqual(Object.fromEntries(metrics.values('slots_used', HOUR)), {
      scanner: [0.5, 2],
      rescanner: [1],
    });
    assert.deepEqual(Object.fromEntries(metrics.values('slots_free', HOUR)), { scanner: [1, 1] });
    assert.deepEqual(Object.fromEntries(metrics.values('rescan_job_seconds', HOUR)), { sweeper: [7] });
  });

  it('count verdicts of signatures that have a version', () => {
    const metrics = new LogMetrics();
    for (const database of [27654, 27654, undefined]) {
      metrics.read('scanner', line('scan completed', { verdict: 'clean', database }));
    }
    assert.deepEqual(Object.fromEntries(metrics.increase('by_database', HOUR)), { 27654: 2 });
  });

  it('count audits that came to their end, and errors of the service', () => {
    const metrics = new LogMetrics();
    for (const complete of [true, false]) metrics.read('auditor', line('audit completed', { complete }));
    for (const status of [200, 404, 500, 503]) metrics.read('files', line('audit', { audit: { status } }));
    metrics.read('sweeper', line('audit', { audit: { status: 500 } }));
    assert.equal(metrics.increase('audits', HOUR).get(''), 1);
    assert.equal(metrics.increase('serverErrors', HOUR).get(''), 2);
  });

  it('count requests of clients for which there was no instance', () => {
    const metrics = new LogMetrics();
    for (const service of ['files', 'upload', 'scanner']) metrics.refused(service);
    assert.equal(metrics.increase('refused', HOUR).get(''), 2);
  });

  it('forget what is older than a day', () => {
    let now = 0;
    const metrics = new LogMetrics(() => now);
    for (let at = 0; at < 30_000; at++) {
      now = at * 10_000;
      metrics.read('sweeper', line('file redriven'));
    }
    assert.equal(metrics.increase('redriven', 24 * HOUR).get(''), 8_641);
    const kept = metrics.increase('redriven', Number.MAX_SAFE_INTEGER).get('') ?? 0;
    assert.ok(kept < 20_000, `${kept} are kept`);
  });
});

describe('the queries of fileshare admin status, on one machine', () => {
  const sources = (changed: Partial<MetricSources> = {}): MetricSources => ({
    logs: new LogMetrics(),
    backlog: async () => ({ messages: 3, oldestSeconds: 7 }),
    instances: () => new Map([['fileshare-files', 1]]),
    ...changed,
  });
  async function values(name: string, of: MetricSources): Promise<unknown> {
    const query = readingsOf('fileshare').find((reading) => reading.name === name)?.query ?? '';
    const answer = (await answerQuery(of, query, 5_000)) as {
      data: { result: { metric: object; value: [number, string] }[] };
    };
    return answer.data.result.map(({ metric, value }) => [metric, value]);
  }

  it('are each answered as Prometheus does', async () => {
    for (const { name, query } of readingsOf('fileshare')) {
      const answer = await answerQuery(sources(), query, 0);
      assert.ok(answer, name);
      assert.match(
        JSON.stringify(answer),
        /^\{"status":"success","data":\{"resultType":"vector","result":\[/,
      );
    }
    assert.deepEqual(await values('eventsWaiting', sources()), [[{}, [5, '3']]]);
    assert.deepEqual(await values('instances', sources()), [[{ service_name: 'fileshare-files' }, [5, '1']]]);
  });

  it('are those of slots by service, and of scans in seconds', async () => {
    const logs = new LogMetrics();
    for (const slotsUsed of [0.5, 2])
      logs.read('scanner', line('slots in use', { slotsUsed, slotsFree: 0.5 }));
    logs.read('scanner', line('scan completed', { scanMs: 1_500 }));
    const of = sources({ logs });
    assert.deepEqual(await values('slotsUsed', of), [[{ service_name: 'fileshare-scanner' }, [5, '0.25']]]);
    assert.deepEqual(await values('slotsFree', of), [[{ service_name: 'fileshare-scanner' }, [5, '0.1']]]);
    assert.deepEqual(await values('slotsBusiest', of), [[{ service_name: 'fileshare-scanner' }, [5, '2']]]);
    assert.deepEqual(await values('scanSecondsMedian', of), [[{}, [5, '1.5']]]);
    assert.deepEqual(await values('slotsFree', sources()), []);
  });

  it('have no value where nobody has measured it, and 0 where nothing was counted', async () => {
    const blind = sources({ backlog: async () => undefined });
    for (const name of [
      'eventsWaiting',
      'oldestEventSeconds',
      'rescansWaiting',
      'deadLetters',
      'signatureAgeSeconds',
      'databases',
    ]) {
      assert.deepEqual(await values(name, blind), [], name);
    }
    for (const name of ['failed', 'verdicts', 'rescans', 'rulesBroken', 'slotsUsed', 'slotsBusiest']) {
      assert.deepEqual(await values(name, blind), [[{}, [5, '0']]], name);
    }
  });

  it('are no others', async () => {
    assert.equal(await answerQuery(sources(), 'up', 0), undefined);
  });
});
