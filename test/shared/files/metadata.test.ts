import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { CallbackUrl } from '../../../shared/files/callback-url.ts';
import type { Metadata } from '../../../shared/files/fields.ts';
import { type FileId, newFileId } from '../../../shared/files/file-id.ts';
import {
  CorruptRecord,
  fileMetadata,
  fromMetadata,
  verdictMetadata,
} from '../../../shared/files/metadata.ts';
import type {
  Content,
  FileRecord,
  JudgedRecord,
  ScanResult,
  Sha256,
  UnjudgedRecord,
} from '../../../shared/files/record.ts';
import type { Principal } from '../../../shared/identity/principal.ts';
import type { Generation } from '../../../shared/storage/object.ts';

const owner = 'org:889640782' as Principal;
const id: FileId = newFileId(owner);

const time = fc.date({ min: new Date(0), max: new Date('3000-01-01'), noInvalidDate: true });
const hex = fc.string({ unit: fc.constantFrom(...'0123456789abcdef'), minLength: 64, maxLength: 64 });
const plain = { noNullPrototype: true };
const content: fc.Arbitrary<Content> = fc.record(
  { size: fc.nat(), sha256: hex as fc.Arbitrary<Sha256>, crc32c: fc.constant('AAAAAA==') },
  plain,
);
const scan: fc.Arbitrary<ScanResult> = fc.record(
  {
    generation: fc
      .bigInt({ min: 1n, max: 2n ** 62n })
      .map(String) as fc.Arbitrary<string> as fc.Arbitrary<Generation>,
    scannedAt: time,
    engine: fc.record(
      {
        engine: fc.constantFrom('1.4.6', '1.5.0-rc'),
        database: fc.nat(),
        databaseDate: time.map((at) => at.toISOString()),
      },
      { ...plain, requiredKeys: ['engine'] },
    ),
    coverage: fc.constant('windows' as const),
  },
  { ...plain, requiredKeys: ['generation', 'scannedAt'] },
);
const principal = fc.constantFrom(
  owner,
  'user:3f0c' as Principal,
  'group:a@b' as Principal,
  'app:x' as Principal,
);
const stored = {
  id: fc.constant(id),
  owner: principal,
  viewers: fc.array(fc.record({ principal, until: time }, { ...plain, requiredKeys: ['principal'] }), {
    maxLength: 5,
  }),
  createdAt: time,
  contentType: fc.constantFrom('text/plain', 'application/fhir+json; charset=utf-8'),
};
const named = {
  fileName: fc.string({ minLength: 1 }),
  callbackUrl: fc.webUrl().map((url) => new URL(url).href as CallbackUrl),
  correlationId: fc.constantFrom('message-17/attachment 1', '"'),
  traceparent: fc.constant(`00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`),
  expiresAt: time,
  expiringAnnounced: fc.constant(true),
};
const file = <T extends Record<string, fc.Arbitrary<unknown>>>(state: string, fields: T) =>
  fc.oneof(
    fc.record({ ...stored, state: fc.constant(state), ...fields }, plain),
    fc.record({ ...stored, ...named, state: fc.constant(state), ...fields }, plain),
  );
const reason = fc.constantFrom('tooLarge', 'encrypted', 'limitExceeded', 'unsupported');
const claims = fc.record(
  { size: fc.nat(), sha256: hex as fc.Arbitrary<Sha256> },
  { ...plain, requiredKeys: ['size'] },
);
const tus = fc.record(
  {
    kind: fc.constant('tus'),
    length: fc.nat(),
    metadata: fc.constant('filename w6Y=,x'),
    expiresAt: time,
  },
  { ...plain, requiredKeys: ['kind', 'expiresAt'] },
);
const direct = fc.record(
  {
    kind: fc.constant('direct'),
    length: fc.nat(),
    session: fc.webUrl(),
    sha256: hex as fc.Arbitrary<Sha256>,
    expiresAt: time,
  },
  { ...plain, requiredKeys: ['kind', 'length', 'session', 'expiresAt'] },
);
const arrived = fc.oneof(
  file('pending', {}),
  file('pending', { content, tentative: fc.constant(true) }),
  file('pending', { claims }),
  file('uploading', { upload: tus }),
  file('uploading', { upload: direct }),
  file('expired', { content }),
  file('deleted', { content, deletedAt: time }),
  file('deleted', { deletedAt: time, announced: fc.constant(true), unreferencedSince: time }),
  file('pending', { content, referenced: fc.constant(true), unreferencedSince: time }),
) as fc.Arbitrary<FileRecord> as fc.Arbitrary<UnjudgedRecord>;
const judged = fc.oneof(
  file('pending', { content, lease: fc.record({ holder: fc.uuid(), until: time }, plain) }),
  file('pending', {
    redriven: fc.record(
      { times: fc.nat(), at: time, tried: fc.constant(true) },
      { ...plain, requiredKeys: ['times', 'at'] },
    ),
  }),
  file('failed', { claims, failure: fc.constant('contentMismatch'), failedAt: time }),
  file('clean', { content, scan }),
  file('infected', { content, scan, signature: fc.string({ minLength: 1 }) }),
  file('unscannable', { scan, reason, accepted: fc.constant(false) }),
  file('unscannable', { content, scan, reason, detail: fc.string({ minLength: 1 }), accepted: fc.boolean() }),
  file('failed', {
    content,
    failure: fc.constantFrom('sourceGone', 'contentMismatch', 'gaveUp'),
    failedAt: time,
  }),
  file('failed', { failure: fc.constant('gaveUp'), failedAt: time, announced: fc.constant(true) }),
  file('clean', { content, scan, referenced: fc.constant(true), unreferencedSince: time }),
) as fc.Arbitrary<FileRecord> as fc.Arbitrary<JudgedRecord>;

/** The file that a verdict is on, as it was uploaded. */
function fileOf({ content: _, ...record }: JudgedRecord): UnjudgedRecord {
  return { ...record, state: 'pending' } as UnjudgedRecord;
}

describe('record metadata', () => {
  it('reads back as the record that was written, whatever the record', () => {
    fc.assert(
      fc.property(arrived, (written) => {
        assert.deepEqual(fromMetadata(id, fileMetadata(written)), written);
      }),
      { numRuns: 500 },
    );
  });

  it('reads back as the record that was judged, with what its file says', () => {
    fc.assert(
      fc.property(judged, (written) => {
        const file = fileMetadata(fileOf(written));
        assert.deepEqual(fromMetadata(id, file, verdictMetadata(written)), written);
      }),
      { numRuns: 500 },
    );
  });

  it('says of a file that is over that it is, whatever its verdict', () => {
    const over = arrived.filter(({ state }) => state === 'expired' || state === 'deleted');
    fc.assert(
      fc.property(over, judged, (written, verdict) => {
        const read = fromMetadata(id, fileMetadata(written), verdictMetadata(verdict));
        assert.deepEqual(
          [read.state, read.owner, read.viewers],
          [written.state, written.owner, written.viewers],
        );
      }),
    );
  });

  it('never says in a verdict who may see the file, nor in a file what was found', () => {
    fc.assert(
      fc.property(judged, (written) => {
        const keys = new Set(Object.keys(verdictMetadata(written)));
        for (const key of ['owner', 'viewers', 'referenced', 'fileName']) assert.ok(!keys.has(key), key);
      }),
    );
  });

  it('takes a verdict on an upload for a file whose bytes are all there', () => {
    const upload = file('uploading', { upload: fc.oneof(tus, direct) });
    fc.assert(
      fc.property(
        upload as fc.Arbitrary<FileRecord> as fc.Arbitrary<UnjudgedRecord>,
        judged,
        (written, verdict) => {
          const read = fromMetadata(id, fileMetadata(written), verdictMetadata(verdict));
          assert.equal(read.state, verdict.state);
        },
      ),
    );
  });

  it('is a record or a CorruptRecord, whatever somebody wrote there', () => {
    const keys = [
      'state',
      'owner',
      'viewers',
      'createdAt',
      'contentType',
      'size',
      'sha256',
      'crc32c',
      'generation',
    ];
    const junk = fc.dictionary(
      fc.constantFrom(...keys),
      fc.oneof(fc.string(), fc.constantFrom('clean', 'org:1')),
    );
    fc.assert(
      fc.property(junk, (metadata) => {
        try {
          assert.equal(fromMetadata(id, metadata).id, id);
        } catch (error) {
          assert.ok(error instanceof CorruptRecord, String(error));
        }
      }),
      { numRuns: 500 },
    );
  });

  it('names the one field that does not parse, and is then no record', () => {
    const entries = fc.oneof(
      arrived.map((written) => [fileMetadata(written)] as const),
      judged.map((written) => [fileMetadata(fileOf(written)), verdictMetadata(written)] as const),
    );
    const hashes = ['sha256', 'claimedSha256'];
    const times = ['createdAt', 'unreferencedSince', 'fileExpiresAt', 'expiresAt', 'deletedAt'];
    const works = ['leaseUntil', 'redrivenAt'];
    const counts = ['size', 'claimedSize', 'length', 'redrives', 'generation'];
    const words = ['state', 'upload', 'owner', 'viewers', 'coverage', 'reason', 'failure'];
    const keys = [...hashes, ...times, ...works, 'scannedAt', 'failedAt', ...counts, ...words];
    const hit = new Set<string>();
    fc.assert(
      fc.property(entries, fc.nat(), (written, pick) => {
        const present = keys.filter((key) => written.some((metadata) => key in metadata));
        const key = present[pick % present.length] ?? '';
        hit.add(key);
        const damage = (metadata: Metadata) =>
          key in metadata ? { ...metadata, [key]: 'no such word' } : metadata;
        const [file, verdict] = written;
        const named = { name: 'CorruptRecord', message: `record ${id}: ${key} does not parse` };
        assert.throws(() => fromMetadata(id, damage(file), verdict && damage(verdict)), named);
      }),
      { numRuns: 4_000 },
    );
    assert.deepEqual([...hit].sort(), [...keys].sort());
  });

  const createdAt = new Date();
  const anyFile = { id, owner, viewers: [], createdAt, contentType: 'text/plain', state: 'pending' } as const;
  for (const viewers of ['org:1;', 'org:1;x', 'org:1;-1', 'org:1;1;2', ';1', 'org:1;9e99', 'org:1  org:2']) {
    it(`grants nothing where its viewers are "${viewers}"`, () => {
      const metadata = { ...fileMetadata(anyFile), viewers };
      assert.throws(() => fromMetadata(id, metadata), CorruptRecord);
    });
  }

  it('is never clean with any of what a verdict needs missing', () => {
    fc.assert(
      fc.property(file('clean', { content, scan }) as fc.Arbitrary<FileRecord>, fc.nat(), (written, pick) => {
        const needed = [
          'owner',
          'createdAt',
          'contentType',
          'size',
          'sha256',
          'crc32c',
          'generation',
          'scannedAt',
        ];
        const dropped = needed[pick % needed.length] ?? '';
        const without = ({ [dropped]: _, ...metadata }: Record<string, string>) => metadata;
        const clean = written as JudgedRecord;
        const file = fileMetadata(fileOf(clean));
        assert.throws(() => fromMetadata(id, without(file), without(verdictMetadata(clean))), CorruptRecord);
      }),
    );
  });
});
