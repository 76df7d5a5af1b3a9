import assert from 'node:assert/strict';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import type * as Client from '../../client/src/index.ts';
import { noise } from '../support/noise.ts';
import { OWNER, Service } from '../support/service.ts';
import { Folder, MIB, type Ran, run } from './fixture.ts';

const ROOT = join(import.meta.dirname, '../..');

interface Example {
  readonly forBrowsers: boolean;
  readonly code: string;
}

/** Exports of the example for browsers. */
interface BrowserExample {
  send(
    file: Blob,
    options: { url: string; token: string; onProgress?: (progress: Client.UploadProgress) => void },
  ): Promise<{ handle: Client.Handle; blob?: Blob }>;
}

describe('client: the package, installed in an empty project', () => {
  const service = new Service();
  const folder = new Folder();
  let examples: Example[] = [];
  let env: Record<string, string> = {};

  before(async () => {
    const packed = await npm(ROOT, 'pack', './client', '--pack-destination', folder.path(), '--silent');
    const tarball = folder.path(packed.stdout.trim());
    await mkdir(folder.path('project'));
    await writeFile(project('package.json'), '{ "name": "empty", "private": true, "type": "module" }');
    await npm(
      project(),
      'install',
      '--prefer-offline',
      '--no-audit',
      '--no-fund',
      '--ignore-scripts',
      tarball,
    );
    const readme = await readFile(join(ROOT, 'client/README.md'), 'utf8');
    examples = [...readme.matchAll(/^```js( browser)?\n(.*?)^```$/gms)].map(([, browser, code = '']) => ({
      forBrowsers: browser !== undefined,
      code,
    }));
    env = { FILESHARE_URL: service.url, FILESHARE_TOKEN: await service.platform.token(OWNER) };
    env['XDG_STATE_HOME'] = folder.path('state');
  });

  function project(...names: string[]): string {
    return folder.path('project', ...names);
  }

  async function npm(cwd: string, ...args: string[]): Promise<Ran> {
    const ran = await run('npm', args, { cwd });
    assert.equal(ran.code, 0, `npm ${args[0]}: ${ran.stderr}`);
    return ran;
  }

  it('holds what it should, and six dependencies', async () => {
    const installed = project('node_modules', 'hops-fileshare-client');
    assert.deepEqual((await readdir(installed)).sort(), ['LICENSE', 'README.md', 'dist', 'package.json']);
    const { dependencies, man } = JSON.parse(await readFile(join(installed, 'package.json'), 'utf8'));
    assert.match(await readFile(join(installed, man), 'utf8'), /^\.TH FILESHARE 1 /);
    const root = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8'));
    assert.equal(Object.keys(dependencies).length, 6);
    const known = { ...root.devDependencies, ...root.dependencies };
    for (const [name, version] of Object.entries(dependencies)) {
      assert.equal(known[name], version, `${name} is tested in the version that is installed`);
    }
  });

  it('runs every example of its README in Node', async () => {
    const forNode = examples.filter(({ forBrowsers }) => !forBrowsers);
    assert.equal(forNode.length, 6);
    const outputs = [];
    for (const [at, { code }] of forNode.entries()) {
      await writeFile(project(`example-${at}.js`), code);
      const ran = await run(process.execPath, [`example-${at}.js`], { cwd: project(), env });
      assert.equal(ran.code, 0, ran.stderr);
      assert.equal(ran.stderr, '');
      outputs.push(ran.stdout);
    }
    assert.match(outputs[0] ?? '', /^6 of 6$.*^clean $.*eicar/ims);
    assert.equal(await readFile(project('copy.txt'), 'utf8'), 'Hello\n');
    assert.match(outputs[1] ?? '', /^b\.txt [0-9a-v]{43}$/m);
    assert.match(outputs[1] ?? '', /^day-1\/a\.txt [0-9a-v]{43}$/m);
    assert.match(outputs[2] ?? '', /^6 of 6\ndownloaded\.txt 6\n$/);
    assert.match(outputs[3] ?? '', /DocumentReference\/123\n.*table\.csv\nopen\ndeleted\ntrue\n$/s);
    assert.match(outputs[4] ?? '', /infected Win\.Test\.EICAR_HDB-1/);
    assert.match(outputs[5] ?? '', /^clean \S+Z [\d.]+\n$/);
  });

  it('is typed', async () => {
    const code = `
import { Fileshare, parseScanEvent, type Handle } from 'hops-fileshare-client';
import { fileSource, FolderUploadStore } from 'hops-fileshare-client/node';
const fileshare = new Fileshare({ url: 'http://x', token: async () => 'y', store: new FolderUploadStore() });
const handle: Handle = await fileshare.upload(await fileSource('z'));
const event = parseScanEvent({});
if (event?.type === 'no.nav.hops.fileshare.verdict.changed.v1') console.log(event.data.sha256, handle.id);
// @ts-expect-error there is no such state
handle.state === 'fine';
`;
    await writeFile(project('typed.ts'), code);
    const tsc = join(ROOT, 'node_modules/typescript/bin/tsc');
    const flags = [
      '--noEmit',
      '--strict',
      '--module',
      'nodenext',
      '--target',
      'es2023',
      '--lib',
      'es2023,dom',
    ];
    const types = ['--types', 'node', '--typeRoots', join(ROOT, 'node_modules/@types')];
    const ran = await run(process.execPath, [tsc, ...flags, ...types, 'typed.ts'], { cwd: project() });
    assert.equal(ran.stdout, '');
    assert.equal(ran.code, 0);
  });

  it('has a command', async () => {
    const ran = await run(project('node_modules', '.bin', 'fileshare'), ['ls', '--json'], { env });
    assert.equal(ran.code, 0, ran.stderr);
  });

  it('is bundled for browsers, without anything of Node, and works as there', async () => {
    const [example] = examples.filter(({ forBrowsers }) => forBrowsers);
    await writeFile(project('page.js'), example?.code ?? '');
    const { outputFiles, metafile } = await build({
      entryPoints: [project('page.js')],
      bundle: true,
      minify: true,
      platform: 'browser',
      format: 'esm',
      write: false,
      metafile: true,
    });
    const [bundle] = outputFiles;
    assert.ok(bundle && bundle.contents.length < 40_000, `${bundle?.contents.length} bytes`);
    assert.deepEqual(
      Object.keys(metafile.inputs).filter((path) => /commander|cli-progress|\/cli\//.test(path)),
      [],
    );
    // Globals that a browser does not have must not be the reason that it works.
    await writeFile(
      project('bundle.js'),
      `const process = undefined;\n${bundle.text}`.replaceAll('globalThis.process', 'process'),
    );
    const { send } = (await import(pathToFileURL(project('bundle.js')).href)) as BrowserExample;
    const content = noise(MIB);
    const seen: number[] = [];
    const { handle, blob } = await send(new File([content], 'page.bin'), {
      url: env['FILESHARE_URL'] ?? '',
      token: env['FILESHARE_TOKEN'] ?? '',
      onProgress: ({ sent }) => void seen.push(sent),
    });
    assert.equal(handle.state, 'clean');
    assert.equal(handle.fileName, 'page.bin');
    assert.ok(content.equals(Buffer.from((await blob?.arrayBuffer()) ?? new ArrayBuffer())));
    assert.equal(seen.at(-1), MIB);
  });
});
