import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { EICAR, eventually } from '../../support/service.ts';
import type { Cases } from '../cases.ts';
import type { MainJob } from './main-job.ts';
import { assertClean, assertInfected, download, WAYS } from './uploads.ts';

const MEBIBYTE = 2 ** 20;
const REPEATED = [
  ['return-503', 'return-503'],
  ['return-reset-connection', 'return-reset-connection'],
  ['return-reset-connection', 'return-503'],
] as const;

/** Faults of the requests that take a file in. */
const UPLOADS: readonly (readonly [string, number, readonly string[]])[] = [
  ...REPEATED.map((instructions) => ['storage.objects.insert', 1000, instructions] as const),
  ['storage.objects.insert', 17 * MEBIBYTE, ['return-reset-connection', 'return-503']],
  ['storage.objects.insert', 17 * MEBIBYTE, ['return-408']],
  ['storage.objects.insert', 17 * MEBIBYTE, ['return-503-after-256K']],
  ['storage.objects.insert', 17 * MEBIBYTE, ['return-503-after-8192K', 'return-408']],
];

/** Faults of what comes after the upload: the scan, promotion and the verdict. */
const SCANS: readonly (readonly [string, readonly string[]])[] = [
  ...REPEATED.flatMap((instructions) =>
    ['get', 'rewrite', 'delete'].map((method) => [`storage.objects.${method}`, instructions] as const),
  ),
  ['storage.objects.get', ['return-broken-stream', 'return-broken-stream']],
  ['storage.objects.get', ['return-broken-stream-after-256K']],
];

/** The answers of 2xx to these requests, and how many of them are lost: record, bytes and verdict are an insert each. */
const LOST: Readonly<Record<string, readonly [RegExp, number]>> = {
  'of three inserts': [/^POST \/upload\/.*uploadType=multipart/, 3],
  'of a rewrite': [/^POST .*\/rewriteTo\//, 1],
  'of a deletion': [/^DELETE /, 1],
};

/** The main job while the endpoint fails; `testbench`: it also takes the orders that ours does not. */
export function faultsOfTheMainJob(testbench: boolean): (cases: Cases<MainJob>) => void {
  return (cases) => {
    faultsOfUploads(cases);
    faultsOfScans(cases);
    lostAnswers(cases);
    faultsOfGrants(cases);
    faultsOfDownloads(cases);
    if (testbench) testbenchFaults(cases);
  };
}

function faultsOfUploads(cases: Cases<MainJob>): void {
  for (const [method, size, instructions] of UPLOADS) {
    cases(`POST of ${size} bytes, ${method}: ${instructions.join(', ')}: comes out clean`, async (job) => {
      const bytes = randomBytes(size);
      const { id } = await job.withFaults({ [method]: instructions }, () =>
        job.service.upload(new Blob([bytes]).stream()),
      );
      await assertClean(job, id, bytes);
    });
  }

  cases('tus in pieces, every request of it struck once: comes out clean', async (job) => {
    const bytes = randomBytes(3000);
    const instructions = {
      'storage.objects.insert': ['return-503', 'return-reset-connection'],
      'storage.objects.compose': ['return-reset-connection', 'return-503'],
      'storage.objects.list': ['return-503'],
    };
    const id = await job.withFaults(instructions, async () => {
      const path = await job.tus.create({ 'upload-length': '3000' });
      assert.equal((await job.tus.patch(path, 0, bytes.subarray(0, 1000))).status, 204);
      assert.equal(await job.tus.offset(path), 1000);
      assert.equal((await job.tus.patch(path, 1000, bytes.subarray(1000))).status, 204);
      return path.replace('/uploads/', '');
    });
    await assertClean(job, id, bytes);
  });
}

function faultsOfScans(cases: Cases<MainJob>): void {
  let infected = 0;
  for (const [method, instructions] of SCANS) {
    cases(`after the upload, ${method}: ${instructions.join(', ')}: comes out clean`, async (job) => {
      const bytes = randomBytes(600_000);
      const { id } = await job.withFaults({ [method]: instructions }, async () => {
        const handle = await job.service.upload(bytes);
        await job.service.decided(handle.id);
        await eventually(async () => (await job.names('unscanned', handle.id)).length === 0);
        return handle;
      });
      await assertClean(job, id, bytes);
    });

    cases(`after the upload, ${method}: ${instructions.join(', ')}: malware is found`, async (job) => {
      // Long enough for every fault to strike, and of no other case: what was found before is not read again.
      infected += 1;
      const bytes = Buffer.concat([Buffer.from(EICAR), Buffer.alloc(600_000 + infected, ' ')]);
      const way = WAYS['POST with a length'];
      assert.ok(way);
      const id = await job.withFaults({ [method]: instructions }, async () => {
        const sent = await way(job, bytes);
        await job.service.decided(sent);
        await eventually(async () => (await job.names('unscanned', sent)).length === 0);
        return sent;
      });
      await assertInfected(job, id);
    });
  }
}

function lostAnswers(cases: Cases<MainJob>): void {
  for (const [which, [pattern, times]] of Object.entries(LOST)) {
    cases(`answers lost, ${which}: comes out clean`, async (job) => {
      const bytes = randomBytes(2000);
      job.relay.loseAnswers(pattern, times);
      const { id } = await job.service.upload(bytes);
      await job.service.decided(id);
      await eventually(async () => job.relay.toLose === 0);
      await assertClean(job, id, bytes);
    });
  }
}

function faultsOfGrants(cases: Cases<MainJob>): void {
  const granted = async (job: MainJob, grant: (path: string) => Promise<Response>) => {
    const { id } = await job.service.upload(randomBytes(1000));
    await job.service.decided(id);
    const response = await grant(`/files/${id}/viewers/org:123456785`);
    assert.equal(response.status, 204);
    assert.equal((await job.service.status(id)).viewerCount, 1);
  };
  for (const instructions of REPEATED) {
    cases(`a grant, storage.objects.patch: ${instructions.join(', ')}: is there`, (job) =>
      granted(job, (path) =>
        job.withFaults({ 'storage.objects.patch': instructions }, () => job.service.call('PUT', path)),
      ),
    );
  }
  cases('a grant whose answer is lost: is there', (job) =>
    granted(job, async (path) => {
      job.relay.loseAnswers(/^PATCH /, 1);
      const response = await job.service.call('PUT', path);
      assert.equal(job.relay.toLose, 0);
      return response;
    }),
  );
}

function faultsOfDownloads(cases: Cases<MainJob>): void {
  for (const instructions of [
    ...REPEATED,
    ['return-broken-stream', 'return-broken-stream'],
    ['return-broken-stream-after-256K'],
  ]) {
    cases(`a download, storage.objects.get: ${instructions.join(', ')}: is whole`, async (job) => {
      const bytes = randomBytes(600_000);
      const { id } = await job.service.upload(bytes);
      await job.service.decided(id);
      await eventually(async () => (await job.names('unscanned', id)).length === 0);
      const read = await job.withFaults({ 'storage.objects.get': instructions }, () => download(job, id));
      assert.ok(read.equals(bytes));
    });
  }
}

/** https://github.com/googleapis/storage-testbench#forced-failures */
function testbenchFaults(cases: Cases<MainJob>): void {
  cases('stalls of a second in a scan and a download: comes out clean', async (job) => {
    const bytes = randomBytes(600_000);
    const stall = { 'storage.objects.get': ['stall-for-1s-after-256K'] };
    const { id } = await job.withFaults(stall, async () => {
      const handle = await job.service.upload(bytes);
      await job.service.decided(handle.id);
      return handle;
    });
    assert.ok((await job.withFaults(stall, () => download(job, id))).equals(bytes));
    await assertClean(job, id, bytes);
  });

  cases('a corrupted byte is never scanned for a clean one, and never handed out whole', async (job) => {
    const bytes = randomBytes(100_000);
    job.relay.headers = { 'x-goog-emulator-instructions': 'return-corrupted-data' };
    try {
      const { id } = await job.service.upload(bytes);
      await new Promise((resolve) => setTimeout(resolve, 2000));
      assert.equal((await job.service.status(id)).state, 'pending');
      job.relay.headers = {};
      await assertClean(job, id, bytes);
      job.relay.headers = { 'x-goog-emulator-instructions': 'return-corrupted-data' };
      await assert.rejects(download(job, id));
    } finally {
      job.relay.headers = {};
    }
  });

  cases('streams that break after every MiB: comes out clean', async (job) => {
    const bytes = randomBytes(2.5 * MEBIBYTE);
    job.relay.headers = { 'x-goog-emulator-instructions': 'return-broken-stream' };
    try {
      const { id } = await job.service.upload(bytes);
      await assertClean(job, id, bytes);
    } finally {
      job.relay.headers = {};
    }
  });
}
