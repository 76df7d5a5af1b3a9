import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { rename, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { ChildSpec } from '../../infra/local/processes/child.ts';
import { findGoogleEmulator, type Running, startGoogleEmulator } from '../contract/pubsub/google-emulator.ts';
import type { ReceivedEvent } from '../support/received-events.ts';
import { EICAR, eventually, Service } from '../support/service.ts';

describeEvents('what subscribers are told', {});

const script = await findGoogleEmulator();
if (script) {
  describe("with Google's Pub/Sub emulator", () => {
    const environment: Record<string, string> = {};
    let emulator: Running | undefined;
    before(async () => {
      emulator = await startGoogleEmulator(script);
      environment['PUBSUB_EMULATOR_HOST'] = emulator.host;
    });
    describeEvents('what subscribers are told', environment);
    after(() => emulator?.stop());
  });
}

function describeEvents(title: string, environment: Record<string, string>): void {
  describe(title, () => {
    let clamdPort = 0;
    const adapt = (spec: ChildSpec): ChildSpec => {
      if (spec.name === 'clamd') clamdPort = Number(spec.env['PORT']);
      if (spec.name !== 'scanner') return spec;
      return { ...spec, env: { ...spec.env, ORDERED_EVENTS: 'true', VERDICT_MAX_AGE_SECONDS: '0' } };
    };
    const service = new Service(environment, { adapt });

    const eventOf = (name: string, is: (event: ReceivedEvent) => boolean) =>
      eventually(async () =>
        (await service.events()).find((event) => event.attributes['eventType'] === name && is(event)),
      );

    /** New signatures, as they would come from the mirror: a file of them, and a reload. */
    async function findFromNowOn(bytes: Buffer, name: string): Promise<void> {
      const folder = join(service.platform.status().data, 'clamd/signatures');
      const sha256 = createHash('sha256').update(bytes).digest('hex');
      await writeFile(join(folder, 'late.tmp'), `${sha256}:${bytes.length}:${name}\n`);
      await rename(join(folder, 'late.tmp'), join(folder, 'late.hsb'));
      const socket = connect(clamdPort, '127.0.0.1');
      socket.write('zRELOAD\0');
      assert.equal(await text(socket), 'RELOADING\0');
    }

    it('a verdict, under the ordering key of the file where ordering is on', async () => {
      const { id } = await service.upload(EICAR);
      const event = await eventOf('scan.completed.v1', ({ data }) => data.fileId === id);
      assert.equal(event.orderingKey, id);
      assert.equal(event.data['signature'], 'Eicar-Test-Signature.UNOFFICIAL');
    });

    it('that a content which was handed out as clean is malware', async () => {
      const bytes = randomBytes(1000);
      const first = await service.upload(bytes);
      assert.equal((await service.decided(first.id)).state, 'clean');
      assert.equal((await service.call('GET', `/files/${first.id}`)).status, 200);

      await findFromNowOn(bytes, 'Late.Finding');
      // The engine continues with the old signatures until the new ones are loaded.
      const second = await eventually(async () => {
        const { id } = await service.upload(bytes);
        const handle = await service.decided(id);
        return handle.state === 'infected' && handle;
      });
      const { data, attributes } = await eventOf('verdict.changed.v1', () => true);
      assert.deepEqual(data, {
        sha256: first.sha256,
        verdict: 'infected',
        signature: 'Late.Finding.UNOFFICIAL',
        changedAt: second.scannedAt,
        engine: second.engine,
      });
      assert.equal(attributes['owner'], undefined, 'it may be of many');
      assert.equal((await service.call('GET', `/files/${first.id}`)).status, 410);

      const third = await service.upload(bytes);
      assert.equal((await service.decided(third.id)).state, 'infected');
      await eventOf('scan.completed.v1', ({ data: { fileId } }) => fileId === third.id);
      const changes = (await service.events()).filter(
        (event) => event.attributes['eventType'] === 'verdict.changed.v1',
      );
      assert.equal(new Set(changes.map((event) => event.attributes['ce-id'])).size, 1);
    });
  });
}
