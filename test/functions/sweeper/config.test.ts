import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

const ROOT = join(import.meta.dirname, '../../..');

describe('the sweeper', () => {
  for (const name of ['ABANDONED_AFTER_SECONDS', 'COLLECT_BLOB_GRACE_SECONDS']) {
    it(`does not start where ${name} is shorter than a request may take`, async () => {
      const env = {
        GOOGLE_CLOUD_PROJECT: 'project',
        PERMANENT_BUCKET: 'permanent',
        UNSCANNED_BUCKET: 'unscanned',
        SCAN_EVENTS_TOPIC: 'topic',
        [name]: '7199',
      };
      const started = promisify(execFile)(process.execPath, ['functions/sweeper/index.ts'], {
        cwd: ROOT,
        env,
      });
      await assert.rejects(
        started,
        new RegExp(`${name} is not valid: should be a whole number from 7200 to`),
      );
    });
  }
});
