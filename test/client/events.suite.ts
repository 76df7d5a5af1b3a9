import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { InvalidScanEvent, parseScanEvent } from '../../client/src/index.ts';
import { EICAR, eventually, Service } from '../support/service.ts';
import { clientOf } from './fixture.ts';

const TIME = '2026-11-23T18:14:36.369Z';
const SCHEMAS = join(import.meta.dirname, '../../shared/events/schemas');

interface Schema {
  readonly required: readonly string[];
  readonly examples: readonly Readonly<Record<string, unknown>>[];
}

/** The published schemas that subscribers hold events to. */
const published = readdirSync(SCHEMAS).map((file) => ({
  name: file.replace('.json', ''),
  schema: JSON.parse(readFileSync(join(SCHEMAS, file), 'utf8')) as Schema,
}));

function message(name: string, data: unknown, attributes: Record<string, unknown> = {}) {
  return {
    attributes: {
      'ce-specversion': '1.0',
      'ce-id': 'an id',
      'ce-source': 'https://fileshare.example.org/files',
      'ce-time': TIME,
      'ce-type': `no.nav.hops.fileshare.${name}`,
      ...attributes,
    },
    data: Buffer.from(JSON.stringify(data)),
  };
}

const completed = published.find(({ name }) => name === 'scan.completed.v1')?.schema.examples[0];

describe('client: parseScanEvent', () => {
  it('knows every type', () => assert.equal(published.length, 9));

  for (const { name, schema } of published) {
    it(`reads ${name} in every form that it comes in`, () => {
      assert.ok(schema.examples.length > 0);
      for (const data of schema.examples) {
        const native = message(name, data);
        const rest = { ...native, data: native.data.toString('base64') };
        const { 'ce-type': type, 'ce-source': source } = native.attributes;
        const expected = { id: 'an id', time: TIME, type, source, data };
        for (const form of [
          native,
          rest,
          { message: rest, subscription: 's' },
          { ackId: 'a', message: rest },
        ]) {
          assert.deepEqual(parseScanEvent(form), expected);
        }
      }
    });

    it(`refuses ${name} without one of its members`, () => {
      for (const member of schema.required) {
        for (const wrong of [undefined, {}, null]) {
          const data = { ...schema.examples[0], [member]: wrong };
          assert.throws(() => parseScanEvent(message(name, data)), InvalidScanEvent, member);
        }
      }
    });
  }

  it('passes on members that it does not know, and no types', () => {
    const data = { ...completed, later: 1 };
    assert.deepEqual(parseScanEvent(message('scan.completed.v1', data))?.data, data);
    assert.equal(parseScanEvent(message('scan.completed.v2', data)), undefined);
  });

  it('refuses what is no event', () => {
    const data = completed;
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
