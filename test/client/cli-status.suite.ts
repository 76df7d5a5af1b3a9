import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { readingsOf } from '../../client/src/cli/readings.ts';
import { EICAR, eventually, Service } from '../support/service.ts';
import { commandLine, Folder } from './fixture.ts';

describe('client: the status of a deployment, on the command line', () => {
  const service = new Service();
  const folder = new Folder();
  const fileshare = commandLine(service, folder);
  let env: Record<string, string>;

  before(async () => {
    env = {
      FILESHARE_METRICS_URL: `${service.url}/local/metrics/`,
      FILESHARE_METRICS_TOKEN: await service.platform.token('user:operator', ['admin']),
    };
    await writeFile(folder.path('clean.txt'), 'clean');
    await writeFile(folder.path('eicar.txt'), EICAR);
  });

  const status = (...args: string[]) => fileshare(['admin', 'status', ...args], { env });

  it('is what the functions log and the emulators hold', async () => {
    assert.equal((await fileshare(['upload', 'clean.txt', 'eicar.txt', '--wait'])).code, 3);
    assert.ok((await service.sweeper('/sweep')).ok);
    await service.audit();
    const report = await eventually(async () => {
      const { code, stdout, stderr } = await status('--json');
      assert.equal(code, 0, stderr);
      const report = JSON.parse(stdout) as Record<string, Record<string, number> | null>;
      return report['audits']?.[''] === 1 && report['eventsWaiting']?.[''] === 0 && report;
    });
    assert.deepEqual(
      Object.keys(report),
      readingsOf('fileshare').map(({ name }) => name),
    );
    assert.deepEqual(report['verdicts'], { clean: 1, infected: 1 });
    assert.deepEqual([report['failed'], report['deadLetters']], [{ '': 0 }, { '': 0 }]);
    assert.ok((report['oldestPendingSeconds']?.[''] ?? -1) >= 0);
    assert.equal(report['signatureAgeSeconds'], null, 'development signatures have no date');
    assert.equal(report['instances']?.['fileshare-scanner'], 1);
  });

  it('is a line for each reading', async () => {
    const { stdout } = await status();
    assert.equal(stdout.trimEnd().split('\n').length, readingsOf('fileshare').length);
    assert.match(stdout, /^Verdicts in the last hour +clean 1, infected 1$/m);
    assert.match(stdout, /^Upload to verdict, p50 +[\d.]+ s$/m);
    assert.match(stdout, /^Age of the signatures +no data$/m);
  });

  it('counts what waits', async () => {
    process.kill(service.pid('scanner'), 'SIGSTOP');
    try {
      assert.equal((await fileshare(['upload', 'clean.txt'])).code, 0);
      const { stdout } = await status();
      assert.match(stdout, /^Events waiting for the scanner +1$/m);
    } finally {
      process.kill(service.pid('scanner'), 'SIGCONT');
    }
  });

  it('needs to know where to ask, and in whose name', async () => {
    const { code, stderr } = await fileshare(['admin', 'status']);
    assert.deepEqual([code, /FILESHARE_METRICS_URL/.test(stderr)], [2, true]);
    env = { ...env, FILESHARE_METRICS_TOKEN: await service.platform.token('user:operator') };
    assert.equal((await status()).code, 7);
    env = { ...env, FILESHARE_METRICS_URL: 'http://127.0.0.1:1' };
    assert.equal((await status()).code, 5);
  });

  it('of another deployment is unknown here', async () => {
    env = {
      FILESHARE_METRICS_URL: `${service.url}/local/metrics`,
      FILESHARE_METRICS_TOKEN: await service.platform.token('user:operator', ['admin']),
    };
    const { code, stderr } = await status('--name', 'another');
    assert.deepEqual([code, /fileshare admin status/.test(stderr)], [5, true]);
  });
});
