import assert from 'node:assert/strict';
import { join } from 'node:path';
import protobuf from 'protobufjs';
import { type EventMessage, scanCompleted } from '../../shared/events/scanCompleted.ts';
import { scanFailed } from '../../shared/events/scanFailed.ts';
import { newFileId } from '../../shared/files/fileId.ts';
import { parseSha256 } from '../../shared/files/record.ts';
import { parsePrincipal } from '../../shared/identity/principal.ts';
import { parseGeneration } from '../../shared/storage/object.ts';
import { MODULE } from './tools.ts';

/** Pub/Sub refuses a message that does not fit the schema of its topic, and a file would wait for ever. */
describe('terraform/scan-event.proto', () => {
  const root = new protobuf.Root();
  root.loadSync(join(MODULE, 'scan-event.proto'), { keepCase: true });
  const type = root.lookupType('ScanEvent');
  const owner = parsePrincipal('org:889640782');
  const sha256 = parseSha256('a'.repeat(64));
  const generation = parseGeneration('1');
  assert.ok(owner && sha256 && generation);
  const file = {
    id: newFileId(owner),
    owner,
    viewers: [],
    contentType: 'text/plain',
    createdAt: new Date(),
    content: { size: 6, sha256, crc32c: 'AAAAAA==' },
  };
  const engine = { engine: '1.4.6', database: 27_000, databaseDate: new Date().toISOString() };
  const scan = { generation, scannedAt: new Date(), engine };

  const events: Readonly<Record<string, EventMessage>> = {
    clean: scanCompleted({ ...file, state: 'clean', scan }),
    infected: scanCompleted({ ...file, state: 'infected', scan, signature: 'Eicar' }),
    unscannable: scanCompleted({
      ...file,
      state: 'unscannable',
      scan,
      reason: 'encrypted',
      detail: 'Heuristics.Encrypted.Zip',
      accepted: true,
    }),
    failed: scanFailed({ ...file, state: 'failed', failure: 'gaveUp', failedAt: new Date() }),
  };

  for (const [verdict, { data }] of Object.entries(events)) {
    it(`has every field of an event "${verdict}"`, () => {
      const json = JSON.parse(data.toString()) as Record<string, unknown>;
      assert.deepEqual(unknownFields(type, json), []);
      assert.equal(type.verify(json), null);
      const required = type.fieldsArray.filter((field) => !field.options?.['proto3_optional']);
      for (const { name } of required) assert.ok(name in json, name);
    });
  }

  it('bites on a field that it does not have', () => {
    assert.deepEqual(unknownFields(type, { fileId: 'x', engine: { build: 1 } }), ['engine.build']);
  });
});

function unknownFields(type: protobuf.Type, json: Record<string, unknown>): string[] {
  return Object.entries(json).flatMap(([name, value]) => {
    const field = type.fields[name]?.resolve();
    if (!field) return [name];
    return field.resolvedType instanceof protobuf.Type
      ? unknownFields(field.resolvedType, value as Record<string, unknown>).map((inner) => `${name}.${inner}`)
      : [];
  });
}
