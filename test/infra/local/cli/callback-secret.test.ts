import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import * as v from 'valibot';
import { callbackKeys, secretOf } from '../../../../functions/notify/signature.ts';
import type { Principal } from '../../../../shared/identity/principal.ts';

const ROOT = join(import.meta.dirname, '../../../..');
const OWNER = 'org:889640782' as Principal;
/** Keeps the newest version of a secret, as Secret Manager does. */
const GCLOUD = `#!/bin/sh
case "$*" in
  "secrets create fileshare-callback-keys --data-file=-" | "secrets versions add fileshare-callback-keys --data-file=-") cat > "$SECRET" ;;
  "secrets versions access latest --secret=fileshare-callback-keys") cat "$SECRET" ;;
  *) exit 2 ;;
esac
`;

describe('the commands for operators in docs/callbacks.md', () => {
  const [, operators = ''] = readFileSync(join(ROOT, 'docs/callbacks.md'), 'utf8').split(
    '\n## For operators\n',
  );
  const blocks = [...operators.matchAll(/^```sh\n(.*?)^```$/gms)].map(([, block = '']) => block);
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'callback-keys-'));
    await writeFile(join(folder, 'gcloud'), GCLOUD, { mode: 0o755 });
  });
  after(() => rm(folder, { recursive: true }));

  async function run(block = ''): Promise<string> {
    const env = { ...process.env, PATH: `${folder}:${process.env['PATH']}`, SECRET: join(folder, 'secret') };
    return (await promisify(execFile)('bash', ['-ec', block], { cwd: ROOT, env })).stdout.trim();
  }
  const keys = async () => v.parse(callbackKeys, await readFile(join(folder, 'secret'), 'utf8'));

  it('create a key, print the secret of an owner, and replace the key', async () => {
    const [create, secret, replace, finish, ...more] = blocks;
    assert.deepEqual(more, []);
    await run(create);
    const [first, ...others] = await keys();
    assert.ok(first);
    assert.deepEqual(others, []);
    assert.equal(await run(secret), secretOf(OWNER, first));

    await run(replace);
    const [second, old] = await keys();
    assert.ok(second && !second.equals(first));
    assert.deepEqual(old, first);
    assert.equal(await run(secret), secretOf(OWNER, second));

    await run(finish);
    assert.deepEqual(await keys(), [second]);
  });
});
