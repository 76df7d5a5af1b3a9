import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { samples } from '../../infra/local/samples/samples.ts';
import { EICAR, eventually, type Service } from './service.ts';
import { idOf, TusRequests } from './tus.ts';

const DAY_MS = 86_400_000;
const LONG_AGO = '2020-01-01T00:00:00.000Z';
const NO_EVENT = { operation: 'notify', effect: { kind: 'error', status: 503 } } as const;
const NO_ASSEMBLY = { operation: 'objects.compose', effect: { kind: 'error', status: 403 } } as const;

/** Content that is due for a re-scan just now. */
async function storedADayAgo(service: Service, bytes: Buffer): Promise<string> {
  const name = `blobs/sha256/${createHash('sha256').update(bytes).digest('hex')}`;
  const at = new Date(Date.now() - DAY_MS).toISOString();
  async function* source() {
    yield bytes;
  }
  const metadata = { cleanSince: at, scannedAt: at, engine: '1.4.5' };
  const options = { contentType: 'application/octet-stream', metadata };
  await (await service.bucket('permanent').stage(name, source(), options)).commit();
  return name;
}

/** Ordinary uses of the service, which together need every permission of every grant. */
export function usesOf(service: Service): Readonly<Record<string, () => Promise<void>>> {
  const tus = new TusRequests(service);

  async function clean(bytes = randomBytes(1_000)): Promise<string> {
    const { id } = await service.upload(bytes);
    assert.equal((await service.decided(id)).state, 'clean');
    await eventually(async () => (await service.names('unscanned', id)).length === 0);
    return id;
  }
  async function ok(answer: Promise<Response>): Promise<void> {
    const response = await answer;
    assert.ok(response.ok, `${response.status} ${await response.text()}`);
  }
  async function backdate(name: string, ...fields: readonly string[]): Promise<void> {
    const object = await service.bucket('permanent').stat(name);
    assert.ok(object, name);
    const times = Object.fromEntries(fields.map((field) => [field, LONG_AGO]));
    await service.bucket('permanent').patch(name, object, times);
  }
  /** Once its name may be written. */
  async function hold(name: string, temporaryHold: boolean): Promise<void> {
    const { storageUrl } = service.platform;
    const url = `${storageUrl}/storage/v1/b/permanent/o/${encodeURIComponent(name)}`;
    const headers = {
      authorization: `Bearer ${await service.platform.accessToken()}`,
      'content-type': 'application/json',
    };
    const body = JSON.stringify({ temporaryHold });
    await eventually(async () => (await fetch(url, { method: 'PATCH', headers, body })).ok);
  }
  const metadataOf = async (name: string) => (await service.bucket('permanent').stat(name))?.metadata ?? {};
  const order = (path: string, sha256: string | undefined) =>
    ok(service.sweeper(path, { body: JSON.stringify({ sha256, reason: 'a test' }) }));
  const collect = () => ok(service.sweeper('/collect'));
  const sweep = () => ok(service.sweeper('/sweep'));

  /** The scanner finds that a file is gone whose content others have stored. */
  async function withdrawn(bytes: Buffer<ArrayBuffer>): Promise<void> {
    await service.fault(NO_EVENT);
    const { id } = await service.upload(bytes);
    await ok(service.call('DELETE', `/files/${id}`));
    await service.clearFaults();
    await eventually(async () => (await service.names('unscanned', id)).length === 0);
  }

  return {
    'an upload and its downloads': async () => {
      const id = await clean();
      await ok(service.call('GET', `/files/${id}`));
      await ok(service.call('PUT', `/files/${id}/viewers/org:1`));
      await ok(service.call('GET', `/files/${id}`, { as: 'org:1' }));
    },
    'the same content again': async () => {
      const bytes = randomBytes(1_000);
      await clean(bytes);
      const [blob] = await service.names(
        'permanent',
        `blobs/sha256/${(await service.status(await clean(bytes))).sha256}`,
      );
      assert.ok(blob);
      await backdate(blob, 'usedAt');
      await clean(bytes);
    },
    malware: async () => {
      const { id } = await service.upload(EICAR);
      assert.equal((await service.decided(id)).state, 'infected');
    },
    'a finding that is released, and the same malware again': async () => {
      const bytes = Buffer.concat([Buffer.from(EICAR), randomBytes(100)]);
      const released = await service.decided((await service.upload(bytes)).id);
      assert.equal(released.state, 'infected');
      await order('/release', released.sha256);
      await eventually(async () => {
        await sweep();
        return (await service.status(released.id)).state === 'clean';
      });
      const { id } = await service.upload(bytes);
      assert.equal((await service.decided(id)).state, 'clean');
    },
    'contents that an operator condemns and releases': async () => {
      const ids = [await clean(), await clean()];
      const digests = await Promise.all(ids.map(async (id) => (await service.status(id)).sha256));
      const become = (state: string) =>
        eventually(async () => {
          await sweep();
          const now = await Promise.all(ids.map((id) => service.status(id)));
          return now.every((file) => file.state === state);
        });
      for (const sha256 of digests) await order('/condemn', sha256);
      await become('infected');
      // One of them has only the copy in quarantine.
      const blob = `blobs/sha256/${digests[0]}`;
      await backdate(blob, 'usedAt');
      for (let times = 0; times < 3; times += 1) await collect();
      assert.deepEqual(await service.names('permanent', blob), []);
      await backdate(`blobs/sha256/${digests[1]}`, 'usedAt');
      for (const sha256 of digests) await order('/release', sha256);
      await become('clean');
      for (const id of ids) await ok(service.call('GET', `/files/${id}`));
    },
    'a repeat with an idempotency key': async () => {
      const headers = { 'idempotency-key': `"${randomBytes(12).toString('hex')}"` };
      const body = randomBytes(100);
      for (let times = 0; times < 2; times += 1) await ok(service.call('POST', '/files', { body, headers }));
    },
    'a resumable upload': async () => {
      const path = await tus.create({ 'upload-length': '2000' });
      await ok(tus.patch(path, 0, randomBytes(1_000)));
      await tus.offset(path);
      await ok(tus.patch(path, 1_000, randomBytes(1_000)));
      assert.equal((await service.decided(idOf(path))).state, 'clean');
    },
    'a resumable upload that its client ends': async () => {
      const path = await tus.create({ 'upload-length': '2000' });
      await ok(tus.patch(path, 0, randomBytes(1_000)));
      await ok(tus.send('DELETE', path));
    },
    'a resumable upload that nobody completes': async () => {
      const path = await tus.create({ 'upload-length': '1000' });
      await service.fault(NO_ASSEMBLY);
      await tus.patch(path, 0, randomBytes(1_000));
      await service.clearFaults();
      await eventually(async () => {
        await sweep();
        return (await service.status(idOf(path))).state === 'clean';
      });
    },
    'sharing and referring': async () => {
      const id = await clean();
      await ok(service.call('PUT', `/files/${id}/viewers/org:1`));
      const reference = `/files/${id}/references/urn%3Ax%3A1`;
      for (const method of ['PUT', 'PUT', 'DELETE', 'PUT']) await ok(service.call(method, reference));
      const [name = ''] = await service.names('permanent', `references/${id}/`);
      await hold(name, true);
      await ok(service.call('DELETE', reference));
      await ok(service.call('PUT', reference));
      await hold(name, false);
      await ok(service.call('DELETE', reference));
      await ok(service.call('GET', '/files'));
      await ok(service.call('GET', '/files?shared=with-me', { as: 'org:1' }));
      await eventually(async () => (await service.names('permanent', `references/${id}/`)).length === 0);
    },
    'a file that is withdrawn before its scan': async () => {
      const bytes = randomBytes(1_000);
      const { sha256 } = await service.status(await clean(bytes));
      await withdrawn(bytes);
      const candidate = await service.bucket('permanent').stat(`collect/sha256/${sha256}`);
      assert.ok(candidate);
      await service.bucket('permanent').patch(candidate.name, candidate, { cycle: 'another' });
      await withdrawn(bytes);
    },
    'a file whose event comes twice': async () => {
      await service.fault({ operation: 'notify', times: 1, effect: { kind: 'duplicate' } });
      const { id } = await service.upload(randomBytes(1_000));
      assert.equal((await service.decided(id)).state, 'clean');
      await eventually(async () => (await service.names('unscanned', id)).length === 0);
      await service.clearFaults();
    },
    'an encrypted file that the policy accepts': async () => {
      const sample = samples().find(({ name }) => name === 'encrypted.zip');
      assert.ok(sample);
      const pieces: Uint8Array[] = [];
      for await (const piece of sample.open()) pieces.push(piece as Uint8Array);
      const bytes = Buffer.concat(pieces);
      const { id } = await service.upload(bytes);
      assert.equal((await service.decided(id)).accepted, true);
      await ok(service.call('GET', `/files/${id}`));
      await ok(service.call('DELETE', `/files/${id}`));
      await collect();
      assert.deepEqual(await service.names('permanent', `accepted/${id}`), []);
    },
    'a file whose event is lost': async () => {
      await service.fault(NO_EVENT);
      const [{ id }, other] = [await service.upload(randomBytes(1_000)), await service.upload('lost')];
      // Sent to the scanner in vain before.
      const metadata = { state: 'pending', redrives: '1', redrivenAt: LONG_AGO };
      const verdict = { contentType: 'application/x-empty', metadata };
      await service.bucket('permanent').insertEmpty(`verdicts/${other.id}`, verdict);
      await eventually(async () => {
        await sweep();
        const states = [await service.status(id), await service.status(other.id)].map(({ state }) => state);
        return states.join() === 'clean,clean';
      });
      await service.clearFaults();
    },
    're-scans of what is stored': async () => {
      const [harmless, malware] = [randomBytes(1_000), Buffer.concat([Buffer.from(EICAR), randomBytes(100)])];
      const names = await Promise.all([harmless, malware].map((bytes) => storedADayAgo(service, bytes)));
      await ok(service.sweeper('/rescan'));
      await ok(service.call('POST', `/files/${await clean()}/rescan`));
      for (const name of names) {
        await eventually(async () => {
          const { scannedAt = '', rescannedAt = scannedAt } = await metadataOf(name);
          return Date.now() - Date.parse(rescannedAt) < DAY_MS / 2;
        });
      }
      const finding = `findings/sha256/${names[1]?.split('/').at(-1)}`;
      assert.equal((await metadataOf(finding))['announced'], 'true');
    },
    'a re-scan of what is in quarantine': async () => {
      const bytes = Buffer.concat([Buffer.from(EICAR), randomBytes(100)]);
      const { id, sha256 } = await service.decided((await service.upload(bytes)).id);
      const finding = await service.bucket('permanent').stat(`findings/sha256/${sha256}`);
      assert.ok(finding);
      // It still finds something, and takes back what is noted here.
      const noted = { cleanAt: LONG_AGO, cleanEngine: '1.0.0' };
      assert.ok(await service.bucket('permanent').patch(finding.name, finding, noted));
      await ok(service.sweeper('/quarantine/rescan', { body: JSON.stringify({ name: id }) }));
      await eventually(async () => (await metadataOf(finding.name))['cleanAt'] === undefined);
    },
    'malware in a content that was found clean before': async () => {
      const bytes = Buffer.concat([Buffer.from(EICAR), randomBytes(100)]);
      const recall = (await storedADayAgo(service, bytes)).replace('blobs/', 'recalls/');
      assert.equal((await service.decided((await service.upload(bytes)).id)).state, 'infected');
      assert.deepEqual(await service.names('permanent', recall), [recall]);
    },
    'a recall': async () => {
      const id = await clean();
      const { sha256 = '' } = await service.status(id);
      const { bucket } = { bucket: service.bucket('permanent') };
      const metadata = { signature: 'Late', scannedAt: new Date().toISOString(), engine: '1.4.6' };
      await bucket.insertEmpty(`findings/sha256/${sha256}`, { metadata });
      await bucket.insertEmpty(`recalls/sha256/${sha256}`);
      await eventually(async () => {
        await sweep();
        return (await service.status(id)).state === 'infected';
      });
      assert.deepEqual(await service.names('quarantine', `sha256/${sha256}`), [`sha256/${sha256}`]);
    },
    'an audit that is stopped, and finds what is wrong': async () => {
      const permanent = service.bucket('permanent');
      const [found, lost] = [await clean(), await clean()];
      const { sha256 } = await service.status(found);
      await permanent.insertEmpty(`findings/sha256/${sha256}`, { metadata: { signature: 'Late' } });
      const blob = `blobs/sha256/${(await service.status(lost)).sha256}`;
      await permanent.delete(blob, (await permanent.stat(blob)) ?? assert.fail(blob));
      const unused = await storedADayAgo(service, randomBytes(1_000));
      await backdate(unused, 'usedAt');
      await service.fault({ operation: 'objects.list', times: 8, effect: { kind: 'delay', ms: 1_200 } });
      await eventually(async () => !(await service.audit()).complete);
      await service.clearFaults();
      const missing = new Set([found, lost, unused]);
      await eventually(async () => {
        for (const { object } of (await service.audit()).examples) missing.delete(object);
        return missing.size === 0;
      });
      await permanent.delete(unused, (await permanent.stat(unused)) ?? assert.fail(unused));
    },
    'an export, and one of what changed since': async () => {
      await clean();
      assert.equal((await service.export()).complete, true);
      await clean();
      const { kind, complete, written } = await service.export();
      assert.ok(complete && (kind === 'full' || written > 0));
    },
    'a restore of what was destroyed': async () => {
      const permanent = service.bucket('permanent');
      const id = await clean();
      await ok(service.call('PUT', `/files/${id}/viewers/org:1`));
      await ok(service.call('PUT', `/files/${id}/references/urn%3Ax%3A1`));
      await ok(service.call('GET', `/files/${id}`));
      const headers = { 'idempotency-key': `"${randomBytes(12).toString('hex')}"` };
      await ok(service.call('POST', '/files', { body: randomBytes(100), headers }));
      await service.export();
      const prefixes = ['files/', 'verdicts/', 'references/', 'receipts/'].map((prefix) => prefix + id);
      const names = await Promise.all(
        [...prefixes, 'shared/', 'idempotency/'].map((prefix) => service.names('permanent', prefix)),
      );
      for (const name of names.flat()) {
        const there = await permanent.stat(name);
        if (there) await permanent.delete(name, there);
      }
      await ok(service.sweeper('/exports', { method: 'GET' }));
      await ok(service.sweeper('/restore', { body: JSON.stringify({ scope: 'all', apply: true }) }));
      await ok(service.call('GET', `/files/${id}`, { as: 'org:1' }));
      for (const prefix of [...prefixes, 'shared/', 'idempotency/']) {
        assert.notDeepEqual(await service.names('permanent', prefix), [], prefix);
      }
    },
    'a notice, on buckets that nobody has claimed': async () => {
      const permanent = service.bucket('permanent');
      const known = await permanent.stat('deployment/state');
      if (known) await permanent.delete(known.name, known);
      await sweep();
      const text = randomBytes(8).toString('hex');
      await ok(service.sweeper('/notice', { method: 'PUT', body: JSON.stringify({ text }) }));
      await eventually(async () => (await (await service.call('GET', '/notice')).text()).includes(text));
      await clean();
      const nothing = { message: { data: '', attributes: {}, messageId: '1' }, subscription: 's' };
      const headers = { 'content-type': 'application/json' };
      const order = { method: 'POST', headers, body: JSON.stringify(nothing) };
      await ok(fetch(service.platform.functionUrl('rescanner'), order));
    },
    'an erasure of an owner': async () => {
      const as = 'org:974652270';
      const own = await service.upload(Buffer.concat([Buffer.from(EICAR), randomBytes(100)]), {}, { as });
      await eventually(async () => (await service.names('quarantine', own.id)).length === 1);
      const order = { body: JSON.stringify({ principal: as }) };
      await ok(service.sweeper('/owner/list', order));
      for (let times = 0; times < 2; times += 1) await ok(service.sweeper('/owner/erase', order));
      assert.deepEqual(await service.names('permanent', `files/${own.id}`), []);
      assert.deepEqual(await service.names('quarantine', own.id), []);
    },
    'a collection': async () => {
      const id = await clean();
      await ok(service.call('GET', `/files/${id}`));
      const { sha256 } = await service.status(id);
      await backdate(`blobs/sha256/${sha256}`, 'usedAt');
      await ok(service.call('PUT', `/files/${id}/viewers/org:1`));
      await ok(service.call('DELETE', `/files/${id}`));
      for (let times = 0; times < 3; times += 1) await collect();
      assert.deepEqual(await service.names('permanent', `blobs/sha256/${sha256}`), []);
      await backdate(`files/${id}`, 'deletedAt');
      const reference = {
        contentType: 'application/x-empty',
        metadata: { uri: 'urn:x:1', removedAt: LONG_AGO },
      };
      await service.bucket('permanent').insertEmpty(`references/${id}/1`, reference);
      await collect();
      assert.deepEqual(await service.names('permanent', `files/${id}`), []);
      assert.deepEqual(await service.names('permanent', `receipts/${id}`), []);
    },
  };
}
