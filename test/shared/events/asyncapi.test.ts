import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import specs from '@asyncapi/specs';
import { Ajv } from 'ajv';
import addFormats from 'ajv-formats';
import { parse } from 'yaml';
import { schemas } from '../../support/cloud-events.ts';

interface Message {
  readonly name: string;
  readonly payload: { readonly schema: { readonly $ref: string } };
}
interface Document {
  readonly channels: { readonly scanEvents: { readonly messages: Readonly<Record<string, unknown>> } };
  readonly operations: { readonly publishScanEvents: { readonly messages: readonly { $ref: string }[] } };
  readonly components: {
    readonly messages: Readonly<Record<string, Message>>;
    readonly schemas: { readonly AttributesOfFile: { readonly allOf: readonly object[] } };
  };
}

const ROOT = new URL('../../../', import.meta.url);
const document = parse(readFileSync(new URL('asyncapi.yaml', ROOT), 'utf8')) as Document;

/** The JSON Schema of AsyncAPI 3.0 that the project publishes. */
const published = specs.schemasWithoutId['3.0.0'] as object;

describe('asyncapi.yaml', () => {
  const ajv = new Ajv({ strict: false, allErrors: true, logger: false });
  addFormats.default(ajv);
  const validate = ajv.compile(published);

  it('is an AsyncAPI document', () => {
    assert.ok(validate(document), JSON.stringify(validate.errors?.slice(0, 3)));
  });

  it('is none with a channel that has no messages object, an unknown member, or an operation without action', () => {
    const { channels, operations } = document;
    const { action: _, ...rest } = operations.publishScanEvents as { action?: string };
    for (const wrong of [
      { channels: { ...channels, scanEvents: { ...channels.scanEvents, messages: 1 } } },
      { unknown: 1 },
      { operations: { publishScanEvents: rest } },
    ]) {
      assert.equal(validate({ ...document, ...wrong }), false, JSON.stringify(wrong).slice(0, 60));
    }
  });

  it('has every event by the schema that is in use, and no other', () => {
    const { messages } = document.components;
    const listed = Object.values(messages).map(({ name, payload }) => {
      const schema = JSON.parse(readFileSync(new URL(payload.schema.$ref, ROOT), 'utf8')) as { $id: string };
      assert.equal(schema.$id, `/schemas/${name.replace('no.nav.hops.fileshare.', '')}.json`);
      return schema.$id;
    });
    assert.deepEqual(listed.sort(), [...schemas.keys()].sort());
    assert.deepEqual(Object.keys(document.channels.scanEvents.messages), Object.keys(messages));
    assert.equal(document.operations.publishScanEvents.messages.length, listed.length);
  });
});
