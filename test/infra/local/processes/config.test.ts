import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { targetFor } from '../../../../infra/local/gateway/routes.ts';
import { readPlatformConfig, SCAN_SLOTS } from '../../../../infra/local/processes/config.ts';
import { consoleLine } from '../../../../infra/local/processes/log-line.ts';
import { reservePorts } from '../../../../infra/local/processes/ports.ts';
import { describeProcesses } from '../../../../infra/local/processes/processes.ts';
import { CLAMAV_MAX_BYTES } from '../../../../shared/scanning/clamd.ts';
import { sizesFor } from '../../../../shared/scanning/sizes.ts';
import { IDENTITY } from '../../../support/identity.ts';

const PORTS = {
  ...{ gateway: 1, storage: 2, pubsub: 3, clamd: 4 },
  ...{ upload: 5, files: 6, scanner: 7, sweeper: 8, rescanner: 13, notify: 15 },
  ...{
    uploadFront: 9,
    filesFront: 10,
    scannerFront: 11,
    sweeperFront: 12,
    rescannerFront: 14,
    auditor: 17,
    auditorFront: 18,
    exporter: 19,
    exporterFront: 20,
    notifyFront: 16,
  },
};

describe('the configuration of the local platform', () => {
  it('has a default for everything, below the project', () => {
    const config = readPlatformConfig({}, '/project');
    assert.deepEqual([config.port, config.storagePort, config.pubsubPort], [8080, 9199, 8085]);
    assert.equal(config.data, '/project/.local');
  });

  for (const free of [2 ** 30, 2 ** 33, 2 ** 34, 2 ** 40]) {
    it(`scans no larger files than ${free} free bytes allow on every slot at once`, () => {
      const { maxScanBytes } = readPlatformConfig({}, '/p', () => free);
      assert.ok(SCAN_SLOTS * sizesFor(maxScanBytes).temporary <= free, String(maxScanBytes));
      assert.ok(maxScanBytes >= Math.min(free / 40, CLAMAV_MAX_BYTES), String(maxScanBytes));
    });
  }

  it('takes an empty variable for an absent one', () => {
    assert.equal(readPlatformConfig({ PORT: '', PUBSUB_EMULATOR_HOST: '' }, '/p').port, 8080);
  });

  for (const [name, value] of [
    ['PORT', 'http'],
    ['STORAGE_PORT', '65536'],
    ['MAX_SCAN_BYTES', '2147483648'],
    ['PUBSUB_EMULATOR_HOST', 'http://localhost:8085'],
    ['STORAGE_EMULATOR_HOST', 'https://storage.example'],
    ['LOG_LEVEL', 'loud'],
    ['HOSTS', '2'],
    ['REDIRECT_URIS', 'https://page.example.no/#part'],
    ['REDIRECT_URIS', 'https://page.example.no/,/callback'],
  ] as const) {
    it(`names ${name} where it is ${value}`, () => {
      assert.throws(() => readPlatformConfig({ [name]: value }, '/p'), new RegExp(`${name} .*should be`));
    });
  }

  it('reads the pages that may log in', () => {
    const { redirectUris } = readPlatformConfig(
      { REDIRECT_URIS: 'https://a.example/,https://b.example/c' },
      '/p',
    );
    assert.deepEqual(redirectUris, ['https://a.example/', 'https://b.example/c']);
  });

  it('leads from upload to the host of files where there are two', () => {
    for (const [hosts, port] of [
      ['one', PORTS.gateway],
      ['two', PORTS.filesFront],
    ] as const) {
      const { functions } = describeProcesses(readPlatformConfig({ HOSTS: hosts }, '/p'), PORTS, IDENTITY);
      const upload = functions.find(({ name }) => name === 'upload');
      assert.equal(upload?.env['FILES_URL'], `http://127.0.0.1:${port}`);
    }
  });

  it('runs no Pub/Sub emulator where there is one, and tells the scanner of that', () => {
    const config = readPlatformConfig({ PUBSUB_EMULATOR_HOST: 'emulator:8085' }, '/p');
    const { pubsub, functions } = describeProcesses(config, PORTS, IDENTITY);
    assert.equal(pubsub, undefined);
    const scanner = functions.find(({ name }) => name === 'scanner');
    assert.equal(scanner?.env['PUBSUB_EMULATOR_HOST'], 'emulator:8085');
  });

  it('runs no storage emulator where there is one, and tells every function of that', () => {
    for (const host of ['emulator:9000', 'http://emulator:9000']) {
      const config = readPlatformConfig({ STORAGE_EMULATOR_HOST: host }, '/p');
      const { storage, functions } = describeProcesses(config, PORTS, IDENTITY);
      assert.equal(storage, undefined);
      for (const { env } of functions) assert.equal(env['STORAGE_EMULATOR_HOST'], 'http://emulator:9000');
    }
  });

  it('gives each function only what it needs', () => {
    const { functions } = describeProcesses(readPlatformConfig({}, '/p'), PORTS, IDENTITY);
    const has = (name: string, variable: string) =>
      functions.find((described) => described.name === name)?.env[variable] !== undefined;
    assert.ok(has('scanner', 'QUARANTINE_BUCKET') && has('rescanner', 'QUARANTINE_BUCKET'));
    for (const name of ['upload', 'files']) {
      for (const variable of ['QUARANTINE_BUCKET', 'CLAMD_HOST', 'FINALIZE_TOPIC']) {
        assert.equal(has(name, variable), false, `${name} ${variable}`);
      }
    }
    assert.equal(has('upload', 'SCAN_EVENTS_TOPIC'), false);
    assert.equal(has('scanner', 'TOKEN_ISSUERS'), false);
    assert.ok(has('sweeper', 'FINALIZE_TOPIC'));
    for (const variable of ['TOKEN_ISSUERS', 'CLAMD_HOST']) {
      assert.equal(has('sweeper', variable), false, variable);
    }
  });
});

describe('ports', () => {
  it('are all different where any will do', async () => {
    const any = { port: 0, variable: '' };
    const taken = await reservePorts('127.0.0.1', [any, any, any]);
    assert.equal(new Set(taken).size, 3);
  });

  it('that are in use are named, with the variable that chooses another', async () => {
    const other = createServer();
    await new Promise<void>((done) => other.listen(0, '127.0.0.1', done));
    const { port } = other.address() as AddressInfo;
    await assert.rejects(
      reservePorts('127.0.0.1', [{ port, variable: 'STORAGE_PORT' }]),
      new RegExp(`^BusyPortError: Port ${port} is in use.*STORAGE_PORT=${port + 1}$`),
    );
    other.close();
  });
});

describe('the routing table', () => {
  for (const [method, path, target] of [
    ['POST', '/files', 'upload'],
    ['OPTIONS', '/files', 'upload'],
    ['OPTIONS', '/files/a', 'files'],
    ['GET', '/files', 'files'],
    ['POST', '/files/a/references', 'files'],
    ['HEAD', '/files/a', 'files'],
    ['PATCH', '/uploads/a', 'upload'],
    ['OPTIONS', '/uploads', 'upload'],
    ['GET', '/', 'local'],
    ['GET', '/local/status.json', 'local'],
    ['GET', '/filesystem', undefined],
    ['GET', '/local', undefined],
  ] as const) {
    it(`sends ${method} ${path} to ${target ?? 'nobody'}`, () =>
      assert.equal(targetFor(method, path), target));
  }
});

describe('the console', () => {
  for (const [line, stream, shown] of [
    ['{"level":30,"msg":"fine"}', 'stdout', undefined],
    ['{"level":40,"msg":"careful"}', 'stdout', /a .*warning.* careful/],
    ['{"severity":"ERROR","message":"broken","err":{"message":"disk"}}', 'stdout', /error.* broken: disk/],
    ['Serving function...', 'stdout', undefined],
    ['Error: no such thing', 'stderr', /error.* Error: no such thing/],
    ['    at file.ts:1:2', 'stderr', undefined],
    ['{"level":50', 'stderr', /\{"level":50/],
  ] as const) {
    it(`shows ${shown ? 'one line' : 'nothing'} for ${line} on ${stream}`, () => {
      const text = consoleLine('a', line, stream);
      if (shown) assert.match(text ?? '', shown);
      else assert.equal(text, undefined);
    });
  }
});
