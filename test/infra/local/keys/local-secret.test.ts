import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { localSecret } from '../../../../infra/local/keys/local-secret.ts';

const MODULE = join(import.meta.dirname, '../../../../infra/local/keys/local-secret.ts');

describe('a secret of one machine', () => {
  let folder = '';
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'fileshare-secret-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('is made once, for its owner alone', () => {
    const data = join(folder, 'data');
    const secret = localSecret(data, 'name');
    assert.match(secret, /^[\w-]{43}$/);
    assert.equal(localSecret(data, 'name'), secret);
    assert.notEqual(localSecret(data, 'other'), secret);
    assert.equal(statSync(join(data, 'name')).mode & 0o777, 0o600);
    assert.deepEqual(readdirSync(data), ['name', 'other']);
  });

  it('is the same for processes that start at once', async () => {
    const script = `const { localSecret } = await import(${JSON.stringify(MODULE)}); console.log(localSecret(${JSON.stringify(folder)}, 'name'))`;
    const start = () => promisify(execFile)(process.execPath, ['--input-type=module', '-e', script]);
    const made = await Promise.all(Array.from({ length: 6 }, start));
    assert.equal(new Set(made.map(({ stdout }) => stdout)).size, 1);
    assert.deepEqual(readdirSync(folder), ['name']);
  });

  it('is that of another who was first', () => {
    const theirs = () => {
      writeFileSync(join(folder, 'name'), 'theirs');
      return 'ours';
    };
    assert.equal(localSecret(folder, 'name', theirs), 'theirs');
    assert.deepEqual(readdirSync(folder), ['name']);
  });

  it('is not made where it cannot be written or read', () => {
    writeFileSync(join(folder, 'file'), '');
    assert.throws(() => localSecret(join(folder, 'file'), 'name'), { code: 'ENOTDIR' });
  });
});
