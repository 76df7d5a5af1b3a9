import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import protobuf from 'protobufjs';
import { MODULE, ROOT } from './tools.ts';

interface EventSchema {
  readonly title: string;
  readonly properties: Readonly<Record<string, unknown>>;
  readonly examples: readonly Readonly<Record<string, unknown>>[];
}

/** Pub/Sub refuses a message that does not fit the schema of its topic, and a file would wait for ever. */
describe('terraform/scan-event.proto', () => {
  const root = new protobuf.Root();
  root.loadSync(join(MODULE, 'scan-event.proto'), { keepCase: true });
  const type = root.lookupType('ScanEvent');
  const schemas = globSync('shared/events/schemas/*.json', { cwd: ROOT }).map(
    (path) => JSON.parse(readFileSync(join(ROOT, path), 'utf8')) as EventSchema,
  );

  it('knows every type of event', () => {
    assert.equal(schemas.length, 9);
  });

  for (const { title, properties, examples } of schemas) {
    it(`has every field of ${title}`, () => {
      assert.deepEqual(unknownFields(type, properties, {}), []);
      for (const example of examples) {
        assert.deepEqual(unknownFields(type, example, example), []);
        assert.equal(type.verify(example), null);
      }
    });
  }

  it('bites on a field that it does not have', () => {
    const engine = { build: 1 };
    assert.deepEqual(unknownFields(type, { fileId: 'x', engine }, { engine }), ['engine.build']);
  });
});

/** @param values of those fields that are messages themselves */
function unknownFields(
  type: protobuf.Type,
  fields: Readonly<Record<string, unknown>>,
  values: Readonly<Record<string, unknown>>,
): string[] {
  return Object.keys(fields).flatMap((name) => {
    const field = type.fields[name]?.resolve();
    if (!field) return [name];
    const [value = {}] = [values[name]].flat() as readonly Record<string, unknown>[];
    return field.resolvedType instanceof protobuf.Type
      ? unknownFields(field.resolvedType, value, value).map((inner) => `${name}.${inner}`)
      : [];
  });
}
