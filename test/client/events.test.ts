import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { InvalidScanEvent, parseScanEvent } from '../../client/src/index.ts';
import { EICAR, eventually, Service } from '../support/service.ts';
import { clientOf } from './fixture.ts';

const FILE_ID = 'dul5o97iubnr643anjrka7ngal8gr9hlvnloro5f8vi';
const TIME = '2026-11-23T18:14:36.369Z';
const FACTS = { fileId: FILE_ID, owner: 'org:889640782', createdAt: TIME };
const SHA256 = '66a045b452102c59d840ec097d59d9467e13a3f34f6494e539ffd32c1bb35f18';

const EVENTS = {
  'scan.completed.v1': {
    ...FACTS,
    verdict: 'clean',
    contentType: 'text/plain',
    scannedAt: TIME,
    size: 6,
    sha256: SHA256,
  },
  'scan.failed.v1': {
    ...FACTS,
    verdict: 'failed',
    reason: 'gaveUp',
    contentType: 'text/plain',
    failedAt: TIME,
  },
  'file.deleted.v1': { ...FACTS, verdict: 'deleted', deletedAt: TIME },
  'verdict.changed.v1': { sha256: SHA256, verdict: 'infected', signature: 'Eicar', changedAt: TIME },
};

function message(name: string, data: unknown, attributes: Record<string, unknown> = {}) {
  return {
    attributes: {
      'ce-specversion': '1.0',
      'ce-id': 'an id',
      'ce-time': TIME,
      'ce-type': `no.nav.hops.fileshare.${name}`,
      ...attributes,
    },
    data: Buffer.from(JSON.stringify(data)),
  };
}

describe('client: parseScanEvent', () => {
  for (const [name, data] of Object.entries(EVENTS)) {
    it(`reads ${name} in every form that it comes in`, () => {
      const native = message(name, data);
      const rest = { ...native, data: native.data.toString('base64') };
      const expected = { id: 'an id', time: TIME, type: native.attributes['ce-type'], data };
      for (const form of [
        native,
        rest,
        { message: rest, subscription: 's' },
        { ackId: 'a', message: rest },
      ]) {
        assert.deepEqual(parseScanEvent(form), expected);
      }
    });

    it(`refuses ${name} without one of its members`, () => {
      for (const member of Object.keys(data).filter(
        (key) => key !== 'size' && !(key === 'sha256' && 'fileId' in data),
      )) {
        assert.throws(
          () => parseScanEvent(message(name, { ...data, [member]: undefined })),
          InvalidScanEvent,
        );
        assert.throws(() => parseScanEvent(message(name, { ...data, [member]: {} })), InvalidScanEvent);
      }
    });
  }

  it('passes on members that it does not know, and no types', () => {
    const data = { ...EVENTS['scan.completed.v1'], later: 1 };
    assert.deepEqual(parseScanEvent(message('scan.completed.v1', data))?.data, data);
    assert.equal(parseScanEvent(message('scan.completed.v2', data)), undefined);
  });

  it('refuses what is no event', () => {
    const data = EVENTS['scan.completed.v1'];
    for (const wrong of [
      undefined,
      null,
      1,
      {},
      { message: {} },
      { ...message('scan.completed.v1', data), data: 'no base64!' },
      { ...message('scan.completed.v1', data), data: undefined },
      message('scan.completed.v1', []),
      message('scan.completed.v1', data, { 'ce-id': '' }),
      message('scan.completed.v1', data, { 'ce-time': 'yesterday' }),
      message('scan.completed.v1', data, { 'ce-specversion': '0.3' }),
      message('scan.completed.v1', { ...data, size: -1 }),
    ]) {
      assert.throws(() => parseScanEvent(wrong), InvalidScanEvent);
    }
    fc.assert(
      fc.property(fc.anything(), (anything) => {
        assert.throws(() => parseScanEvent(anything), InvalidScanEvent);
      }),
      { numRuns: 200 },
    );
  });

  describe('on what the service publishes', () => {
    const service = new Service();

    it('reads verdicts', async () => {
      const client = clientOf(service);
      const clean = await client.upload(new Blob(['clean']));
      const infected = await client.upload(new Blob([EICAR]));
      const parsed = await eventually(async () => {
        const events = (await service.events()).map(({ attributes, data }) =>
          parseScanEvent({ attributes, data: Buffer.from(JSON.stringify(data)) }),
        );
        return events.length >= 2 && events;
      });
      const verdicts = new Map(
        parsed.flatMap((event) =>
          event && 'fileId' in event.data ? [[event.data.fileId, event.data.verdict]] : [],
        ),
      );
      assert.equal(verdicts.get(clean.id), 'clean');
      assert.equal(verdicts.get(infected.id), 'infected');
    });
  });
});
