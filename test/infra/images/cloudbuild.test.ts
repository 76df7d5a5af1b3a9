import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'yaml';
import { type Build, problemsOfBuild } from './cloudbuild.ts';

const ROOT = join(import.meta.dirname, '../../..');
const SOURCE = readFileSync(join(ROOT, 'cloudbuild.yaml'), 'utf8');
const FUNCTIONS = globSync('functions/*', { cwd: ROOT }).map((path) => path.slice('functions/'.length));
/** A program that checks Google's configuration files by Google's own parsers; no part of this repository. */
const LINT = process.env['GCLOUD_LINT'] ?? '';
const DIGEST = `sha256:${'0'.repeat(64)}`;

describe('cloudbuild.yaml', () => {
  it('builds, pushes and writes down every image, in order, with documented substitutions', () => {
    assert.deepEqual(problemsOfBuild(SOURCE, FUNCTIONS), []);
  });

  it("is a build to Google's own parser", function () {
    const { status, stdout, stderr } = existsSync(LINT)
      ? spawnSync(LINT, ['cloudbuild', join(ROOT, 'cloudbuild.yaml')], { encoding: 'utf8' })
      : { status: 3, stdout: '', stderr: 'set GCLOUD_LINT to where it is' };
    if (status === 3) {
      console.log(`      SKIPPED: gcloud-lint for cloudbuild.yaml: ${stderr.trim()}`);
      return this.skip();
    }
    assert.equal(status, 0, stderr);
    assert.match(stdout, /^ok: \d+ steps$/m);
  });

  const PLANTED: readonly (readonly [string, string | RegExp, string])[] = [
    [
      'an image that is not pushed',
      'for name in upload files scanner sweeper notify clamav',
      'for name in upload files',
    ],
    ['an image without provenance', /^ {2}- \S+\/clamav:\S+\n/m, ''],
    ['an image under another tag', /--tag=\S+\/files:\S+/, '--tag=host/files:latest'],
    ['a build before the test', 'waitFor: [test]', "waitFor: ['-']"],
    ['an apply without a plan', 'waitFor: [plan]', 'waitFor: [test]'],
    ['a step that is not there', 'waitFor: [push]', 'waitFor: [pushed]'],
    ['an unknown substitution', '{_IMAGES}/clamav', '{_IMAGE}/clamav'],
    ['an undocumented substitution', '#   _ARTIFACTS ', '#   _ARTEFACTS '],
    ['the default service account', /^serviceAccount: .*$/m.exec(SOURCE)?.[0] ?? '', ''],
    ['a builder by its tag', /docker@\S+_DOCKER_DIGEST\S/, 'docker:latest'],
    ['a digest with a default', "_GCLOUD_DIGEST: ''", `_GCLOUD_DIGEST: ${DIGEST}`],
    [
      'an image for nothing to deploy by its tag',
      /(_TERRAFORM_IMAGE: \S+)@\S+/.exec(SOURCE)?.[0] ?? '',
      '_TERRAFORM_IMAGE: x:stable',
    ],
    ['no provenance', 'requestedVerifyOption: VERIFIED', 'requestedVerifyOption: NOT_VERIFIED'],
    ['digests that get lost', 'paths: [images.auto.tfvars.json, plan.txt]', 'paths: [plan.txt]'],
  ];
  for (const [what, from, to] of PLANTED) {
    it(`is checked for ${what}`, () => {
      const planted = SOURCE.replace(from, () => to);
      assert.notEqual(planted, SOURCE);
      assert.notDeepEqual(problemsOfBuild(planted, FUNCTIONS), []);
    });
  }

  describe('its scripts', () => {
    let folder: string;
    before(() => {
      folder = mkdtempSync(join(tmpdir(), 'cloudbuild-'));
    });
    after(() => rmSync(folder, { recursive: true, force: true }));

    const known = {
      _NODE_DIGEST: DIGEST,
      _RUNTIME_DIGEST: DIGEST,
      _DEBIAN_DIGEST: DIGEST,
      _DOCKER_DIGEST: DIGEST,
      _GCLOUD_DIGEST: DIGEST,
      _ARTIFACTS: 'artifacts',
      _DEPLOY: 'no',
      _IMAGES: 'europe-north1-docker.pkg.dev/p/fileshare',
      BUILD_ID: 'b',
    };
    const settings = (changed: Record<string, string>) => run('settings', { ...known, ...changed }).status;

    /** A step's script as Cloud Build would hand it to the shell, with a gcloud that knows one digest. */
    function run(id: string, values: Readonly<Record<string, string>>) {
      const { steps, substitutions } = parse(SOURCE) as Build;
      const all: Record<string, string> = { ...substitutions, ...values };
      const script = (steps.find((step) => step.id === id)?.args?.at(-1) ?? '')
        .replace(/(?<!\$)\$\{([A-Z_]+)\}/g, (_, name: string) => all[name] ?? '')
        .replaceAll('$$', '$');
      writeFileSync(join(folder, 'gcloud'), `#!/bin/sh\necho ${DIGEST}\n`, { mode: 0o755 });
      return spawnSync('bash', ['-euc', script], {
        cwd: folder,
        encoding: 'utf8',
        env: { PATH: `${folder}:${process.env['PATH']}` },
      });
    }

    it('accept the settings that are documented, and no others', () => {
      assert.equal(settings({}), 0);
      assert.equal(settings({ _NODE_DIGEST: '' }), 1);
      assert.equal(settings({ _RUNTIME_DIGEST: 'latest' }), 1);
      assert.equal(settings({ _DOCKER_DIGEST: '' }), 1);
      assert.equal(settings({ _GCLOUD_DIGEST: 'sha256:1' }), 1);
      assert.equal(settings({ _ARTIFACTS: '' }), 1);
      assert.equal(settings({ _DEPLOY: 'yes' }), 1);
      assert.equal(settings({ _DEPLOY: 'apply', _STATE_BUCKET: 's' }), 1);
      const terraform = { _STATE_BUCKET: 's', _TERRAFORM_IMAGE: `hashicorp/terraform@${DIGEST}` };
      assert.equal(settings({ _DEPLOY: 'apply', ...terraform }), 0);
    });

    it('get from infra/images/pin.sh every digest that they ask for, of the image that it is of', () => {
      // A registry that answers with the name that it was asked for.
      writeFileSync(join(folder, 'docker'), '#!/bin/sh\necho "$4"\n', { mode: 0o755 });
      const pinned = execFileSync('bash', [join(ROOT, 'infra/images/pin.sh')], {
        encoding: 'utf8',
        env: { PATH: `${folder}:${process.env['PATH']}` },
      });
      const printed = new Map(
        pinned
          .trim()
          .split(',')
          .map((pair) => pair.split('=') as [string, string]),
      );
      const { substitutions, steps } = parse(SOURCE) as Build;
      const wanted = Object.keys(substitutions).filter((name) => name.endsWith('_DIGEST'));
      assert.deepEqual([...printed.keys()].sort(), wanted.sort());
      for (const { name } of steps) {
        const [, image, digest = ''] = /^(.+)@\$\{(\w+)\}$/.exec(name) ?? [];
        if (image) assert.equal(printed.get(digest), image);
      }
    });

    it('write the digests as Terraform reads them', () => {
      const { status, stderr } = run('digests', known);
      assert.equal(status, 0, stderr);
      const written = JSON.parse(readFileSync(join(folder, 'images.auto.tfvars.json'), 'utf8'));
      const expected = [...FUNCTIONS, 'clamav'].map((name) => [name, `${known._IMAGES}/${name}@${DIGEST}`]);
      assert.deepEqual(written, { images: Object.fromEntries(expected) });
    });

    it('are shell', () => {
      for (const { args = [] } of (parse(SOURCE) as Build).steps) {
        if (args[0] === '-euc') execFileSync('bash', ['-n', '-c', (args[1] ?? '').replaceAll('$$', '$')]);
      }
    });
  });
});
