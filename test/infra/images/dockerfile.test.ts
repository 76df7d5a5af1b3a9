import assert from 'node:assert/strict';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseDockerfile, wordsOf } from './dockerfile.ts';
import { isIgnored } from './dockerignore.ts';
import { type Context, problemsOf } from './lint.ts';

const ROOT = join(import.meta.dirname, '../../..');
const FUNCTIONS = ['upload', 'files', 'scanner', 'sweeper', 'notify'];
/** Variable as in `functions/${FUNCTION}`. */
const VARIABLE = /\$\{FUNCTION\}/;
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8');

function contextOf(folder: string): Context {
  const exists = (path: string) =>
    FUNCTIONS.every((name) => existsSync(join(ROOT, folder, path.replace(VARIABLE, name))));
  return { dockerignore: read(join(folder, '.dockerignore')), exists };
}

const IMAGES = [
  ['infra/images/Dockerfile', '.'],
  ['infra/clamav/Dockerfile', 'infra/clamav'],
] as const;

describe('Dockerfiles', () => {
  it('are all known here', () => {
    const found = globSync('**/Dockerfile*', { cwd: ROOT, exclude: ['node_modules/**', '.local/**'] });
    assert.deepEqual(found.sort(), IMAGES.map(([path]) => path).sort());
  });

  for (const [path, folder] of IMAGES) {
    it(`${path} keeps the rules`, () => {
      assert.deepEqual(problemsOf(read(path), contextOf(folder)), []);
    });
  }

  it('names every function in its own image', () => {
    assert.deepEqual(
      globSync('functions/*', { cwd: ROOT })
        .map((path) => path.slice(10))
        .sort(),
      FUNCTIONS.sort(),
    );
  });

  it('has every script and configuration of the sidecar in its image', () => {
    const stage = parseDockerfile(read('infra/clamav/Dockerfile')).stages.at(-1);
    const copied = stage?.steps
      .filter(({ keyword }) => keyword === 'COPY')
      .flatMap((step) => wordsOf(step).slice(0, -1));
    const there = globSync('infra/clamav/{*.{sh,conf,cfg,ftm,ldb},signatures,trial}', { cwd: ROOT }).map(
      (path) => path.slice(13),
    );
    assert.deepEqual(copied?.sort(), there.sort());
  });

  it('starts the sidecar behind an init that passes signals to its group', () => {
    const stage = parseDockerfile(read('infra/clamav/Dockerfile')).stages.at(-1);
    const entrypoint = stage?.steps.find(({ keyword }) => keyword === 'ENTRYPOINT');
    assert.ok(entrypoint);
    assert.deepEqual(wordsOf(entrypoint), ['tini', '-g', '--', '/app/entrypoint.sh']);
  });

  it('sends nothing to Docker but what is in an image', () => {
    const root = read('.dockerignore');
    for (const path of [
      '.git/config',
      '.env',
      '.local/keys',
      'node_modules/a/index.js',
      'test/a.ts',
      'infra/local/x.ts',
    ]) {
      assert.equal(isIgnored(root, path), true, path);
    }
    for (const path of [
      'functions/upload/index.ts',
      'shared/a/b.ts',
      'package.json',
      'infra/images/compile.mjs',
    ]) {
      assert.equal(isIgnored(root, path), false, path);
    }
  });
});

describe('the Dockerfile lint', () => {
  const good = read('infra/images/Dockerfile');
  const clamav = read('infra/clamav/Dockerfile');
  const PLANTED: readonly (readonly [string, string, string | RegExp, string])[] = [
    ['a tag for a digest', good, /@\$\{NODE_DIGEST\}/, ''],
    ['a digest with a default', good, 'ARG NODE_DIGEST', 'ARG NODE_DIGEST=sha256:00'],
    ['an undeclared digest', good, 'ARG NODE_DIGEST\n', ''],
    ['latest', good, ':26-trixie-slim', ':latest'],
    ['root', good, 'USER 65532:65532', 'USER 0:0'],
    ['a user by name', good, 'USER 65532:65532', 'USER node'],
    ['no user', good, 'USER 65532:65532\n', ''],
    ['devDependencies', good, ' --omit=dev', ''],
    ['install scripts', good, ' --ignore-scripts', ''],
    ['npm install', good, 'npm ci', 'npm install'],
    [
      'ADD of a URL',
      good,
      'COPY package.json openapi.yaml asyncapi.yaml ./',
      'ADD https://example.com/package.json ./',
    ],
    ['a whole context', good, 'COPY package.json openapi.yaml asyncapi.yaml ./', 'COPY . ./'],
    [
      'a file that is not there',
      good,
      'COPY package.json openapi.yaml asyncapi.yaml ./',
      'COPY packages.json ./',
    ],
    ['a file that is ignored', good, 'COPY package.json openapi.yaml asyncapi.yaml ./', 'COPY README.md ./'],
    ['a secret as argument', good, 'ARG FUNCTION', 'ARG NPM_TOKEN'],
    ['a secret in the environment', good, 'NODE_ENV=production', 'API_KEY=production'],
    ['a shell in front', good, /ENTRYPOINT \[.*\]/, 'ENTRYPOINT node main.js'],
    ['recommended packages', clamav, ' --no-install-recommends', ''],
    ['lists of packages', clamav, '/var/lib/apt/lists/* ', ''],
    ['a download', clamav, 'apt-get update', 'curl -O https://example.com/x'],
    ['rights for all', clamav, 'apt-get update', 'chmod 777 /app'],
  ];
  for (const [what, source, from, to] of PLANTED) {
    it(`finds ${what}`, () => {
      const folder = source === good ? '.' : 'infra/clamav';
      const planted = source.replace(from, to);
      assert.notEqual(planted, source);
      assert.notDeepEqual(problemsOf(planted, contextOf(folder)), []);
    });
  }
});
