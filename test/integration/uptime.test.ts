import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Service } from '../support/service.ts';

const SOURCE = readFileSync(join(import.meta.dirname, '../../terraform/uptime.tf'), 'utf8');
const found = (pattern: RegExp): string => pattern.exec(SOURCE)?.[1] ?? '';
const CHECKS = [...SOURCE.matchAll(/^ +(\w+) += \{ method = "(\w+)", path = "([^"]+)"/gm)];

describe('the requests of the uptime checks', () => {
  const service = new Service({ HOSTS: 'two' });

  it('are of upload and of files', () => {
    assert.deepEqual(CHECKS.map(([, name]) => name).sort(), ['files', 'upload']);
  });

  for (const [, name = '', method = '', path = ''] of CHECKS) {
    it(`get from ${name} the answer that the checks expect, without a call of Cloud Storage`, async () => {
      await service.resetOperations();
      const type = found(/content_type +=.*"POST" \? "(URL_ENCODED)"/) && 'application/x-www-form-urlencoded';
      const host = name === 'upload' ? service.uploadUrl : service.filesUrl;
      const response = await fetch(host + path, {
        method,
        ...(method === 'POST' && { headers: { 'content-type': type } }),
      });
      assert.equal(String(response.status), found(/status_value = (\d+)/));
      const expected = found(/content_matchers \{\s+content = "([^"]+)"/);
      const body = await response.text();
      assert.ok(expected.length > 0 && body.includes(expected), body);
      assert.deepEqual((await service.operations()).operations, {});
    });
  }
});
