import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { type StatedRecord, toStatement } from '../../../../functions/files/verdicts/statement.ts';
import schema from '../../../../functions/files/verdicts/verdict.v1.json' with { type: 'json' };
import { newFileId } from '../../../../shared/files/file-id.ts';
import { parseSha256 } from '../../../../shared/files/record.ts';
import type { Generation } from '../../../../shared/storage/object.ts';
import { fhirFaults } from '../../../support/fhir-faults.ts';
import { viewersNamed } from '../../../support/records.ts';
import { OWNER } from '../fixture.ts';

const PAGE = join(import.meta.dirname, '../../../../docs/verdicts.md');

const ajv = addFormats.default(new Ajv2020({ allErrors: true }));
const validate = ajv.compile(schema);

/** Deviations from the schema that `predicateType` names. */
function outside(predicate: unknown): string {
  return validate(predicate) ? '' : JSON.stringify(validate.errors);
}

const at = (minute: number) => new Date(Date.UTC(2026, 10, 23, 9, minute));
const stored = {
  id: newFileId(OWNER, at(0)),
  owner: OWNER,
  viewers: viewersNamed(OWNER),
  createdAt: at(0),
  contentType: 'application/pdf',
  fileName: 'secret.pdf',
  content: { size: 6, sha256: parseSha256('ab'.repeat(32)) ?? assert.fail(), crc32c: 'AAAAAA==' },
};
const engine = { engine: '1.4.6', database: 27_000, databaseDate: at(0).toISOString() };
const scan = { generation: '1' as Generation, scannedAt: at(1), engine };

const RECORDS: Readonly<Record<string, StatedRecord>> = {
  clean: { ...stored, state: 'clean', scan },
  'clean by an earlier scan': { ...stored, state: 'clean', scan: { ...scan, reusedAt: at(2) } },
  'clean in windows': { ...stored, state: 'clean', scan: { ...scan, coverage: 'windows' } },
  infected: { ...stored, state: 'infected', scan, signature: 'Win.Test.EICAR_HDB-1' },
  recalled: {
    ...stored,
    state: 'infected',
    scan,
    signature: 'Late',
    recalled: { at: at(3), announced: true },
  },
  released: {
    ...stored,
    state: 'clean',
    scan,
    released: { at: at(4), by: 'secret@example.org', reason: 'secret', announced: true },
  },
  'released, of a finding without an engine': {
    ...stored,
    state: 'clean',
    scan: { generation: '1' as Generation, scannedAt: at(1) },
    released: { at: at(4), by: 'secret@example.org', reason: 'secret' },
  },
  unscannable: { ...stored, state: 'unscannable', scan, reason: 'malformed', detail: 'x', accepted: false },
  accepted: { ...stored, state: 'unscannable', scan, reason: 'encrypted', accepted: true },
  'too large': {
    ...stored,
    state: 'unscannable',
    scan: { generation: '1' as Generation, scannedAt: at(1) },
    reason: 'tooLarge',
    accepted: false,
  },
};

describe('a statement', () => {
  const predicateOf = (name: string) =>
    toStatement(RECORDS[name] ?? assert.fail(), 'https://f.example', at(9)).predicate;

  for (const name of Object.keys(RECORDS)) {
    it(`fits its schema, and says nothing of people, of a file that is ${name}`, () => {
      const { predicate, subject } = toStatement(RECORDS[name] ?? assert.fail(), 'https://f.example', at(9));
      assert.equal(outside(predicate), '');
      assert.deepEqual(subject, [{ name: stored.id, digest: { sha256: stored.content.sha256 } }]);
      assert.doesNotMatch(JSON.stringify(predicate), /889640782|secret|pdf/);
    });
  }

  it('tells the time of a scan from that of a decision, of a recall, and of its signature', () => {
    const { scannedAt, decidedAt, reused, issuedAt } = predicateOf('clean by an earlier scan');
    const times = [at(1), at(2), at(9)].map((time) => time.toISOString());
    assert.deepEqual([scannedAt, decidedAt, issuedAt, reused], [...times, true]);
    assert.equal(predicateOf('clean').decidedAt, at(1).toISOString());
    assert.equal(predicateOf('recalled').recalledAt, at(3).toISOString());
    assert.equal(predicateOf('released').releasedAt, at(4).toISOString());
    assert.equal(predicateOf('released').decidedAt, at(4).toISOString());
    assert.equal(predicateOf('recalled').decidedAt, at(3).toISOString());
  });

  it('is refused by its schema where it lacks what its verdict needs, or has more', () => {
    for (const [name, member] of [
      ['clean', 'engine'],
      ['infected', 'signature'],
      ['unscannable', 'reason'],
      ['clean', 'issuedAt'],
    ] as const) {
      const { [member]: _, ...rest } = { ...predicateOf(name) } as Record<string, unknown>;
      assert.match(outside(rest), new RegExp(member));
    }
    assert.match(outside({ ...predicateOf('clean'), owner: OWNER }), /additionalProperties/);
  });

  it('is in docs/verdicts.md as it is, and the Provenance there is about the same', () => {
    const [statement, provenance] = [...readFileSync(PAGE, 'utf8').matchAll(/^```json\n(.*?)^```$/gms)].map(
      ([, text = '']) => JSON.parse(text),
    );
    assert.equal(outside(statement.predicate), '');
    const { fileId, scannedAt, issuedAt } = statement.predicate;
    const shape = toStatement(RECORDS['clean'] ?? assert.fail(), 'https://fileshare.example.org', at(9));
    assert.deepEqual(Object.keys(statement), Object.keys(shape));
    assert.deepEqual(
      [statement._type, statement.predicateType, statement.subject[0].name],
      [shape._type, shape.predicateType, fileId],
    );
    assert.deepEqual(
      [provenance.occurredDateTime, provenance.recorded, provenance.entity[0].what.identifier.value],
      [scannedAt, issuedAt, fileId],
    );
    assert.equal(provenance.signature[0].when, issuedAt);
    assert.deepEqual(fhirFaults(provenance), []);
    assert.notDeepEqual(fhirFaults({ ...provenance, agent: undefined }), [], 'the validator looks');
  });
});
