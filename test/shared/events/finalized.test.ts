import assert from 'node:assert/strict';
import fc from 'fast-check';
import { parseFinalized } from '../../../shared/events/finalized.ts';

const resource = {
  kind: 'storage#object',
  bucket: 'unscanned',
  name: 'x',
  generation: '1700000000000000',
  metageneration: '1',
  size: '5',
  crc32c: 'AAAAAA==',
  timeCreated: '2026-01-01T00:00:00.000Z',
};
const cloudEvent = { 'ce-type': 'google.cloud.storage.object.v1.finalized' };
const push = (attributes: unknown, data: unknown) => ({
  message: { attributes, data: Buffer.from(JSON.stringify(data)).toString('base64') },
});

describe('finalize events', () => {
  it("are read from Eventarc's CloudEvent and from Cloud Storage's notification alike", () => {
    const direct = parseFinalized(cloudEvent, resource);
    assert.ok(direct.kind === 'finalized');
    assert.equal(direct.object.generation, '1700000000000000');
    assert.equal(direct.object.size, 5);
    assert.deepEqual(parseFinalized({}, push({ eventType: 'OBJECT_FINALIZE' }, resource)), direct);
  });

  for (const [what, headers, body] of [
    ['another type', { 'ce-type': 'google.cloud.storage.object.v1.deleted' }, resource],
    ['a deletion', {}, push({ eventType: 'OBJECT_DELETE' }, resource)],
    ['what the framework lets through', {}, { a: 1 }],
    ['nothing', {}, undefined],
    ['a resource without a generation', cloudEvent, { ...resource, generation: undefined }],
    ['a resource with a generation that is none', cloudEvent, { ...resource, generation: '0' }],
    ['a resource with a negative size', cloudEvent, { ...resource, size: '-1' }],
    [
      'data that is not JSON',
      {},
      { message: { attributes: { eventType: 'OBJECT_FINALIZE' }, data: 'eA==' } },
    ],
  ] as const) {
    it(`are not ${what}`, () => {
      assert.equal(parseFinalized(headers, body).kind, 'foreign');
    });
  }

  it('never throw, whatever arrives', () => {
    fc.assert(
      fc.property(fc.anything(), fc.boolean(), (body, isCloudEvent) => {
        const { kind } = parseFinalized(isCloudEvent ? cloudEvent : {}, body);
        assert.equal(kind, 'foreign');
      }),
    );
  });
});
