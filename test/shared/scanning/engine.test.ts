import assert from 'node:assert/strict';
import fc from 'fast-check';
import { parseVersion } from '../../../shared/scanning/engine.ts';
import { ScanFault } from '../../../shared/scanning/verdict.ts';

describe('parseVersion', () => {
  it('reads the engine, the database and its date', () => {
    assert.deepEqual(parseVersion('ClamAV 1.4.6/27000/Mon Nov 10 09:03:12 2025\0'), {
      engine: '1.4.6',
      database: 27_000,
      databaseDate: '2025-11-10T09:03:12.000Z',
    });
  });

  it('reads a date that is padded with a space', () => {
    const { databaseDate } = parseVersion('ClamAV 0.103.6/26622/Thu Aug  4 07:53:31 2022\0');
    assert.equal(databaseDate, '2022-08-04T07:53:31.000Z');
  });

  it('reads an engine without an official database', () => {
    assert.deepEqual(parseVersion('ClamAV 1.5.0-rc+dfsg\0'), { engine: '1.5.0-rc+dfsg' });
  });

  for (const reply of [
    '',
    'ClamAV',
    'ClamAV 1.4.6',
    'ClamAV \0',
    'UNKNOWN COMMAND\0',
    'ClamAV 1.4.6/27000\0',
    'ClamAV 1.4.6/27000/yesterday\0',
    'ClamAV 1.4.6/27000/Mon Nov 99 09:03:12 2025\0',
    'ClamAV 1.4.6\0ClamAV 1.4.6\0',
    'xClamAV 1.4.6\0',
  ]) {
    it(`is a fault on ${JSON.stringify(reply)}`, () => {
      assert.throws(() => parseVersion(reply), { name: 'ScanFault', code: 'protocol' });
    });
  }

  it('gives either a version or a fault on any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array(), (reply) => {
        try {
          assert.match(parseVersion(reply).engine, /^\d/);
        } catch (error) {
          assert(error instanceof ScanFault);
        }
      }),
    );
  });
});
