import assert from 'node:assert/strict';
import { isReadable } from '../../../shared/files/readable.ts';
import type { FileRecord } from '../../../shared/files/record.ts';
import { requireReadable } from '../../../shared/http/outcome.ts';
import { Problem } from '../../../shared/http/problems.ts';

const CONTENT = { size: 1, sha256: 'a'.repeat(64), crc32c: 'AAAAAA==' };
const UNSCANNABLE = { state: 'unscannable', reason: 'encrypted' };

/** Each state, with the problem that a read gets instead of the bytes. */
const CASES: readonly (readonly [record: object, problem: string | undefined])[] = [
  [{ state: 'clean', content: CONTENT }, undefined],
  [{ ...UNSCANNABLE, accepted: true, content: CONTENT }, undefined],
  [{ ...UNSCANNABLE, accepted: true }, 'file-unscannable'],
  [{ ...UNSCANNABLE, accepted: false, content: CONTENT }, 'file-unscannable'],
  [{ state: 'infected', content: CONTENT, signature: 'Eicar' }, 'file-infected'],
  [{ state: 'uploading' }, 'not-scanned-yet'],
  [{ state: 'pending', content: CONTENT }, 'not-scanned-yet'],
  [{ state: 'failed', content: CONTENT, failure: 'gaveUp' }, 'file-failed'],
  [{ state: 'expired', content: CONTENT }, 'file-expired'],
  [{ state: 'deleted', content: CONTENT }, 'file-deleted'],
];

describe('readable records', () => {
  for (const [fields, problem] of CASES) {
    it(`${problem ? `answer ${problem} for` : 'are'} ${JSON.stringify({ ...fields, content: 'content' in fields })}`, () => {
      const record = fields as FileRecord;
      assert.equal(isReadable(record), problem === undefined);
      if (problem === undefined) {
        assert.equal(requireReadable(record), record);
      } else {
        assert.throws(
          () => requireReadable(record),
          (error) => error instanceof Problem && error.type === problem,
        );
      }
    });
  }
});
