import assert from 'node:assert/strict';
import { fileDownloaded } from '../../../functions/files/file-downloaded.ts';
import { fileDeleted } from '../../../functions/sweeper/file-deleted.ts';
import { fileExpiring } from '../../../functions/sweeper/file-expiring.ts';
import { fileRecalled } from '../../../functions/sweeper/file-recalled.ts';
import { fileReleased } from '../../../functions/sweeper/file-released.ts';
import { addressed, type EventMessage } from '../../../shared/events/cloud-event.ts';
import { fileShared } from '../../../shared/events/file-shared.ts';
import { scanCompleted } from '../../../shared/events/scan-completed.ts';
import { scanFailed } from '../../../shared/events/scan-failed.ts';
import { verdictChanged, verdictLifted } from '../../../shared/events/verdict-changed.ts';
import type { CorrelationId } from '../../../shared/files/correlation-id.ts';
import { newFileId } from '../../../shared/files/file-id.ts';
import { fileMetadata, fromMetadata, verdictMetadata } from '../../../shared/files/metadata.ts';
import type {
  CleanRecord,
  DecidedRecord,
  DeletedRecord,
  FailedRecord,
  InfectedRecord,
  Sha256,
} from '../../../shared/files/record.ts';
import type { Principal } from '../../../shared/identity/principal.ts';
import type { Traceparent } from '../../../shared/runtime/trace.ts';
import type { Generation, StoredObject } from '../../../shared/storage/object.ts';
import {
  cloudEventOf,
  outsideCloudEvents,
  outsideSchema,
  published,
  schemas,
} from '../../support/cloud-events.ts';
import { viewersNamed } from '../../support/records.ts';

const owner = 'org:889640782' as Principal;
const createdAt = new Date('2026-11-23T18:14:35.944Z');
const scannedAt = new Date('2026-11-23T18:14:36.369Z');
const sha256 = '66a045b452102c59d840ec097d59d9467e13a3f34f6494e539ffd32c1bb35f18' as Sha256;
const content = { size: 6, sha256, crc32c: 'AAAAAA==' };
const engine = { engine: '1.4.6', database: 27000, databaseDate: '2026-11-23T09:00:00.000Z' };
const generation = '7' as Generation;
const stored = {
  id: newFileId(owner),
  owner,
  viewers: viewersNamed('org:123456789'),
  createdAt,
  contentType: 'text/plain',
  fileName: 'Kari Nordmann.pdf',
  correlationId: 'message-17/attachment-1' as CorrelationId,
  traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01` as Traceparent,
};
const scan = { generation, scannedAt, engine };
const failed: FailedRecord = { ...stored, state: 'failed', failure: 'gaveUp', failedAt: scannedAt };

const recalled: InfectedRecord = {
  ...stored,
  // This event alone names those who may see the file.
  viewers: [],
  state: 'infected',
  content,
  scan: { ...scan, engine: { engine: '1.4.6' } },
  signature: 'Late',
  recalled: { at: scannedAt },
};
const reader = 'org:974652293' as Principal;
const concerned = {
  references: ['urn:x:1'],
  receipts: [{ principal: reader, at: scannedAt.toISOString() }],
  moreReceipts: true,
};
const readable = { ...stored, state: 'clean', content, scan } as const;
const deleted: DeletedRecord = { ...stored, state: 'deleted', deletedAt: scannedAt };

const decided: Readonly<Record<string, DecidedRecord>> = {
  clean: { ...stored, state: 'clean', content, scan },
  infected: { ...stored, state: 'infected', content, scan, signature: 'Win.Test.EICAR_HDB-1' },
  'clean by an earlier scan': {
    ...stored,
    state: 'clean',
    content,
    scan: { ...scan, scannedAt: new Date('2026-11-22T09:30:00.000Z'), reusedAt: scannedAt },
  },
  'too large': {
    ...stored,
    state: 'unscannable',
    reason: 'tooLarge',
    accepted: false,
    scan: { generation, scannedAt },
  },
  'encrypted and accepted': {
    ...stored,
    state: 'unscannable',
    content,
    scan,
    reason: 'encrypted',
    detail: 'Heuristics.Encrypted.Zip',
    accepted: true,
  },
};

const received = (message: EventMessage) => {
  const { attributes, data } = published(message);
  return { attributes, data: JSON.parse(data.toString()) };
};

describe('the events', () => {
  const finding = { signature: 'Win.Late-1', scannedAt, engine };
  const release = { by: 'operator@example.org', at: scannedAt, reason: 'a false positive' };
  const lifted = { object: {} as StoredObject, signature: 'Win.Late-1', release, announced: false };
  const released: CleanRecord = { ...stored, state: 'clean', content, scan, released: release };
  const messages: Readonly<Record<string, () => EventMessage>> = {
    ...Object.fromEntries(
      Object.entries(decided).map(([what, record]) => [what, () => scanCompleted(record)]),
    ),
    failed: () => scanFailed(failed),
    'failed with content': () => scanFailed({ ...failed, content }),
    deleted: () => fileDeleted(deleted),
    downloaded: () => fileDownloaded(readable, { principal: reader, at: scannedAt.toISOString() }),
    recalled: () => fileRecalled(recalled, scannedAt, concerned),
    shared: () => fileShared(readable, { principal: reader, until: scannedAt }, createdAt),
    'shared before its scan': () =>
      fileShared({ ...stored, state: 'pending', expiresAt: scannedAt }, { principal: reader }, createdAt),
    expiring: () => fileExpiring({ ...readable, expiresAt: scannedAt }, scannedAt),
    'deleted with content': () => fileDeleted({ ...deleted, content }),
    'verdict changed': () => verdictChanged(sha256, finding),
    condemned: () => verdictChanged(sha256, { signature: 'Operator.Condemned', scannedAt }),
    lifted: () => verdictLifted(sha256, lifted),
    released: () => fileReleased(released, release),
  };
  for (const [what, make] of Object.entries(messages)) {
    it(`are CloudEvents with the data of their schema: ${what}`, () => {
      assert.deepEqual(outsideCloudEvents(received(make())), []);
      assert.deepEqual(make(), make(), 'a repeat is the same event');
    });

    it(`are within the limits of Pub/Sub, and name nothing that a client named: ${what}`, () => {
      const { attributes, data, orderingKey } = make();
      assert.equal(orderingKey, attributes['ce-subject']);
      for (const value of Object.values(attributes)) assert.ok(Buffer.byteLength(value) <= 1024);
      assert.doesNotMatch(`${JSON.stringify(attributes)} ${data}`, /Nordmann|123456789|operator@/);
    });
  }

  it('have another id for another scan, another failure and another finding', () => {
    const { clean } = decided;
    assert.ok(clean);
    const ids = [
      scanCompleted(clean),
      scanCompleted({ ...clean, scan: { ...clean.scan, generation: '8' as Generation } }),
      scanFailed(failed),
      scanFailed({ ...failed, failedAt: createdAt }),
      verdictChanged(sha256, finding),
      verdictChanged(sha256, { ...finding, signature: '\u{1F9A0}'.repeat(512) }),
      verdictChanged(sha256, { ...finding, scannedAt: createdAt }),
      verdictLifted(sha256, lifted),
      verdictLifted(sha256, { ...lifted, release: { ...release, at: createdAt } }),
      fileReleased(released, release),
      fileShared(readable, { principal: reader }, createdAt),
      fileShared(readable, { principal: reader }, scannedAt),
      fileShared(readable, { principal: owner }, scannedAt),
      fileExpiring(readable, createdAt),
      fileExpiring(readable, scannedAt),
    ].map(({ attributes }) => attributes['ce-id'] ?? '');
    assert.equal(new Set(ids).size, ids.length);
    for (const id of ids) assert.ok(Buffer.byteLength(id) <= 1024);
  });

  for (const [what, record] of Object.entries(decided)) {
    it(`repeat themselves from the record as it was read again: ${what}`, () => {
      const file = fileMetadata({ ...stored, state: 'pending' });
      const again = fromMetadata(record.id, file, verdictMetadata(record)) as DecidedRecord;
      assert.deepEqual(received(scanCompleted(again)), received(scanCompleted(record)));
    });
  }

  it('say when it was decided, and when the content was scanned, which may be earlier', () => {
    const timesOf = (record: DecidedRecord | undefined) => {
      const { attributes, data } = received(scanCompleted(record ?? assert.fail()));
      return [attributes['ce-time'], data.scannedAt, data.reused];
    };
    const at = scannedAt.toISOString();
    assert.deepEqual(timesOf(decided['clean']), [at, at, undefined]);
    assert.deepEqual(timesOf(decided['clean by an earlier scan']), [at, '2026-11-22T09:30:00.000Z', true]);
  });

  it('name their deployment', async () => {
    const sent: EventMessage[] = [];
    const publish = addressed(async (event) => void sent.push(event), 'https://fileshare.example.org');
    const event = scanFailed(failed);
    await publish(event);
    const attributes = {
      ...event.attributes,
      'ce-source': 'https://fileshare.example.org/files',
      'ce-dataschema': 'https://fileshare.example.org/schemas/scan.failed.v1.json',
    };
    assert.deepEqual(sent, [{ ...event, attributes }]);
  });

  it('of a file continue the trace of its upload, and have its correlation id as an attribute', () => {
    for (const message of [
      scanCompleted(decided['clean'] ?? assert.fail()),
      scanFailed(failed),
      fileDeleted(deleted),
    ]) {
      const { attributes, data } = received(message);
      assert.equal(attributes['ce-traceparent'], stored.traceparent);
      assert.equal(attributes['correlationId'], stored.correlationId);
      assert.equal(data.correlationId, stored.correlationId);
    }
  });

  it('read by the SDK as what they are', () => {
    const event = cloudEventOf(received(scanFailed(failed)));
    assert.equal(event.type, 'no.nav.hops.fileshare.scan.failed.v1');
    assert.equal(event.source, 'https://fileshare.example.org/files');
    assert.equal(event.subject, failed.id);
    assert.equal(event.time, scannedAt.toISOString());
    assert.equal(event['traceparent'], stored.traceparent);
    assert.equal((event.data as { reason: string }).reason, 'gaveUp');
  });
});

describe('the schemas of the events', () => {
  it('are there for each type, by the name in its file', () => {
    assert.deepEqual([...schemas.keys()].map((id) => id.replace(/^\/schemas\/(.*)\.json$/, '$1')).sort(), [
      'file.deleted.v1',
      'file.downloaded.v1',
      'file.expiring.v1',
      'file.recalled.v1',
      'file.released.v1',
      'file.shared.v1',
      'scan.completed.v1',
      'scan.failed.v1',
      'verdict.changed.v1',
    ]);
  });

  for (const [id, { examples }] of schemas) {
    it(`hold for their own examples: ${id}`, () => {
      assert.ok(examples.length > 0);
      for (const example of examples) assert.deepEqual(outsideSchema(id, example), []);
    });
  }

  const completed = '/schemas/scan.completed.v1.json';
  const clean = schemas.get(completed)?.examples[0] as Record<string, unknown>;
  for (const [what, wrong] of [
    ['an unknown verdict', { verdict: 'pending' }],
    ['malware without its name', { verdict: 'infected' }],
    ['what is unscannable without a reason', { verdict: 'unscannable' }],
    ['a member that it does not know', { fileName: 'secret.txt' }],
    ['a time that is none', { scannedAt: 'yesterday' }],
    ['an id that is none', { fileId: '../x' }],
  ] as const) {
    it(`refuse ${what}`, () => {
      assert.notDeepEqual(outsideSchema(completed, { ...clean, ...wrong }), []);
    });
  }

  const { attributes, data } = received(scanCompleted(decided['clean'] as DecidedRecord));
  for (const [what, wrong] of [
    ['without an id', { 'ce-id': '' }],
    ['of another version', { 'ce-specversion': '2.0' }],
    ['with a time that is none', { 'ce-time': 'now' }],
    ['whose filter attribute lies', { verdict: 'infected' }],
    ['without a schema', { 'ce-dataschema': 'https://fileshare.example.org/schemas/none.v1.json' }],
    ['with a context attribute that CloudEvents cannot name', { 'ce-My_Own': '1' }],
    ['that is not JSON', { 'content-type': 'text/plain' }],
  ] as const) {
    it(`and the SDK see through an event ${what}`, () => {
      const wronged: Record<string, string> = { ...attributes, ...wrong };
      assert.notDeepEqual(outsideCloudEvents({ attributes: wronged, data }), []);
    });
  }
});
