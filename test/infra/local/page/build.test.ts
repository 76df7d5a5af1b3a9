import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { buildPage } from '../../../../infra/local/page/build.ts';
import { parsePageConfig } from '../../../../infra/local/page/page-config.ts';

const COMMAND = join(import.meta.dirname, '../../../../infra/local/cli/build-page.ts');
const DOCUMENTATION = join(import.meta.dirname, '../../../../docs/page.md');
const CONFIG = {
  issuer: 'https://login.example.no/tenant/',
  clientId: 'page',
  scope: 'openid fileshare.read',
  filesUrl: 'https://files.example.no',
  uploadUrl: 'https://upload.example.no',
};

describe('the page of a deployment', () => {
  const folder = mkdtempSync(join(tmpdir(), 'fileshare-'));
  let names: readonly string[];
  const read = (name: string) => readFileSync(join(folder, name), 'utf8');

  before(async () => {
    names = await buildPage(parsePageConfig({ ...CONFIG, connectTo: ['https://token.example.no'] }), folder);
  });
  after(() => rmSync(folder, { recursive: true }));

  it('is a document, its configuration, and parts that have their digests for names', () => {
    assert.deepEqual(readdirSync(folder).toSorted(), names.toSorted());
    assert.equal(names.at(-1), 'index.html', 'it leads to the others');
    const document = read('index.html');
    for (const [, path = ''] of document.matchAll(/(?:src|href)="([^"#]+)"/g)) {
      const [, digest] = /^\w+-([0-9a-f]{16})\.\w+$/.exec(path) ?? assert.fail(path);
      assert.equal(createHash('sha256').update(read(path)).digest('hex').slice(0, 16), digest);
    }
    assert.equal(JSON.parse(read('config.json')).issuer, CONFIG.issuer);
  });

  it('is below 100 KB when it is compressed', () => {
    const size = names.reduce((sum, name) => sum + gzipSync(read(name)).length, 0);
    assert.ok(size > 20_000 && size < 100_000, `${size} bytes`);
  });

  it('lets nothing inline run, and asks the configured origins alone', () => {
    const document = read('index.html');
    const policy = /http-equiv="Content-Security-Policy" content="([^"]+)"/.exec(document)?.[1] ?? '';
    assert.equal(
      policy.replaceAll('&#39;', "'"),
      "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self' " +
        'https://login.example.no https://files.example.no https://upload.example.no https://storage.googleapis.com ' +
        "https://token.example.no; base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'",
    );
    assert.ok(document.indexOf('Content-Security-Policy') < document.indexOf('<script'));
    assert.doesNotMatch(document, /<style|\sstyle=|\son\w+=|<script(?! type="module" src=)/);
  });

  it('has nothing of the local platform in its document', () => {
    assert.doesNotMatch(read('index.html'), /\/local\/|data-sample|DEVELOPMENT|id="slow"|id="principal"/);
  });

  for (const [title, changes, message] of [
    ['a member that it does not know', { clientID: 'page' }, /clientID/],
    ['an issuer without TLS', { issuer: 'http://login.example.no' }, /issuer: should be an https URL/],
    ['no address', { filesUrl: 'files.example.no' }, /filesUrl: should be an https URL/],
    ['no client', { clientId: '' }, /clientId/],
    ['no login', { scope: 'openids fileshare.read' }, /scope: should name openid/],
    ['a principal without a claim', { principal: 'user:kari' }, /principal/],
  ] as const) {
    it(`is not made with ${title}`, () => {
      assert.throws(() => parsePageConfig({ ...CONFIG, ...changes }), message);
    });
  }

  it('is written by the command, from the example in the documentation', async () => {
    const example = /```json\n(\{[^`]+\})\n```/.exec(readFileSync(DOCUMENTATION, 'utf8'))?.[1] ?? '';
    const [path, target] = [join(folder, 'example.json'), join(folder, 'example')];
    writeFileSync(path, example);
    const { stdout } = await promisify(execFile)(process.execPath, [COMMAND, path, target]);
    assert.deepEqual(readdirSync(target).toSorted(), stdout.trim().split('\n').toSorted());
    await assert.rejects(promisify(execFile)(process.execPath, [COMMAND, path]), /Usage: npm run build:page/);
    writeFileSync(path, '{}');
    await assert.rejects(promisify(execFile)(process.execPath, [COMMAND, path, target]), /issuer/);
  });
});
