import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Folder, type Ran, run } from '../../client/fixture.ts';

const ROOT = join(import.meta.dirname, '../../..');
const EMULATORS = ['storage', 'pubsub'] as const;
const CLIENTS = ['@google-cloud/storage', '@google-cloud/pubsub'];

interface Manifest {
  readonly dependencies: Readonly<Record<string, string>>;
}

async function manifest(...path: string[]): Promise<Manifest> {
  return JSON.parse(await readFile(join(ROOT, ...path, 'package.json'), 'utf8')) as Manifest;
}

describe('the emulators, packed and installed in an empty project', () => {
  const folder = new Folder();
  const project = (...names: string[]): string => folder.path('project', ...names);
  const children: ChildProcess[] = [];

  async function npm(cwd: string, ...args: string[]): Promise<Ran> {
    const ran = await run('npm', args, { cwd });
    assert.equal(ran.code, 0, `npm ${args[0]}: ${ran.stderr}`);
    return ran;
  }

  before(async () => {
    const { dependencies, devDependencies } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8'));
    const clients = CLIENTS.map((name) => `${name}@${{ ...devDependencies, ...dependencies }[name]}`);
    const tarballs: string[] = [];
    for (const name of EMULATORS) {
      const args = ['pack', `./infra/emulators/${name}`, '--pack-destination', folder.path(), '--silent'];
      tarballs.push(folder.path((await npm(ROOT, ...args)).stdout.trim()));
    }
    await mkdir(project());
    await writeFile(project('package.json'), '{ "name": "empty", "private": true, "type": "module" }');
    const quiet = ['--prefer-offline', '--no-audit', '--no-fund', '--ignore-scripts'];
    await npm(project(), 'install', ...quiet, ...tarballs, ...clients);
  });
  after(() => {
    for (const child of children) child.kill('SIGKILL');
  });

  /** Starts a command of the packages. @returns what `ready` captures in the line that it prints */
  async function start(command: string, args: readonly string[], ready: RegExp): Promise<string> {
    const child = spawn(project('node_modules', '.bin', command), args, { cwd: project() });
    children.push(child);
    let said = '';
    child.stderr.on('data', (text) => {
      said += text;
    });
    for await (const text of child.stdout.iterator({ destroyOnReturn: false })) {
      said += text;
      const [, captured] = ready.exec(said) ?? [];
      if (captured !== undefined) return captured;
    }
    throw new Error(`${command} ended: ${said}`);
  }

  async function node(name: string, code: string, env: Record<string, string> = {}): Promise<string> {
    await writeFile(project(name), code);
    const quiet = { METADATA_SERVER_DETECTION: 'none', ...env };
    const ran = await run(process.execPath, [name], { cwd: project(), env: quiet });
    assert.equal(ran.code, 0, ran.stderr);
    return ran.stdout;
  }

  async function readme(name: string): Promise<string> {
    return readFile(join(ROOT, 'infra/emulators', name, 'README.md'), 'utf8');
  }

  for (const name of EMULATORS) {
    it(`${name}: holds what it should, and depends on what is tested`, async () => {
      const installed = project('node_modules/@hops-fileshare', `${name}-emulator`);
      assert.deepEqual((await readdir(installed)).sort(), ['LICENSE', 'README.md', 'dist', 'package.json']);
      const built = await readdir(join(installed, 'dist'), { recursive: true });
      assert.deepEqual(
        built.filter((file) => /\.\w+$/.test(file) && !/\.(js|d\.ts|json)$/.test(file)),
        [],
      );
      const root = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8'));
      const known = { ...root.devDependencies, ...root.dependencies };
      const { dependencies } = await manifest('infra/emulators', name);
      for (const [dependency, version] of Object.entries(dependencies)) {
        assert.equal(version, known[dependency], dependency);
      }
    });

    it(`${name}: explains its command`, async () => {
      const ran = await run(project('node_modules', '.bin', `${name}-emulator`), ['--help']);
      assert.equal(ran.code, 0, ran.stderr);
      const table = (await readme(name)).split('\n## API')[0] ?? '';
      const documented = [...table.matchAll(/^\| (`[A-Z0-9_`, ]+`) \|/gm)].flatMap(([, names = '']) =>
        names.split(', ').map((option) => option.replaceAll('`', '')),
      );
      const explained = [...ran.stdout.matchAll(/^([A-Z0-9_]+(?:, [A-Z0-9_]+)*) {2,}/gm)].flatMap(
        ([, names = '']) => names.split(', '),
      );
      assert.ok(documented.length >= 3);
      assert.deepEqual(explained.toSorted(), documented.toSorted());
    });
  }

  it('storage: runs the example of its README', async () => {
    const [, code = ''] = /^```js\n(.*?)^```$/ms.exec(await readme('storage')) ?? [];
    assert.equal(await node('storage.js', code), 'refused: 412\nmeow, 2 inserts\n');
  });

  it('pubsub: runs the example of its README', async () => {
    const [, code = ''] = /^```js\n(.*?)^```$/ms.exec(await readme('pubsub')) ?? [];
    assert.equal(await node('pubsub.js', code), '2, 1 refused\n');
  });

  it('storage: serves Google’s client from its command', async () => {
    const options = [`FOLDER=${folder.path('data')}`, 'PORT=0', 'BUCKETS=photos,backups'];
    const url = await start('storage-emulator', options, / at (http:\S+?),/);
    const code = `
import { Storage } from '@google-cloud/storage';
const apiEndpoint = process.env.API_ENDPOINT;
const storage = new Storage({ apiEndpoint, projectId: 'test', useAuthWithCustomEndpoint: false });
await storage.bucket('photos').file('a').save(Buffer.alloc(3_000_000, 'a'), { resumable: true });
const [content] = await storage.bucket('photos').file('a').download();
const [buckets] = await storage.getBuckets();
console.log(content.length, buckets.map(({ name }) => name).join());
`;
    assert.equal(await node('command-storage.js', code, { API_ENDPOINT: url }), '3000000 backups,photos\n');
  });

  it('pubsub: serves Google’s client from its command', async () => {
    const host = await start('pubsub-emulator', ['0'], /PUBSUB_EMULATOR_HOST=(\S+)/);
    const code = `
import { once } from 'node:events';
import { PubSub } from '@google-cloud/pubsub';
const pubsub = new PubSub({ projectId: 'test' });
const [topic] = await pubsub.createTopic('orders');
const [subscription] = await topic.createSubscription('billing');
await topic.publishMessage({ json: { a: 1 } });
const [message] = await once(subscription, 'message');
console.log(message.data.toString());
message.ack();
await subscription.close();
await pubsub.close();
`;
    assert.equal(await node('command-pubsub.js', code, { PUBSUB_EMULATOR_HOST: host }), '{"a":1}\n');
  });

  it('is typed', async () => {
    const code = `
import { type FaultRule, startStorageEmulator, Tokens } from '@hops-fileshare/storage-emulator';
import { startPubSubEmulator } from '@hops-fileshare/pubsub-emulator';
const rule: FaultRule = { operation: 'objects.get', effect: { kind: 'delay', ms: 5 } };
const { faults } = await startStorageEmulator({ folder: 'x' });
faults.add(rule);
const token: string = await new Tokens('x').access('y');
(await startPubSubEmulator()).faults.fail({ method: 'Publish', code: 'INTERNAL' });
// @ts-expect-error there is no such operation
faults.add({ operation: 'objects.vanish', effect: { kind: 'corrupt' } });
console.log(token);
`;
    await writeFile(project('typed.ts'), code);
    const tsc = join(ROOT, 'node_modules/typescript/bin/tsc');
    const types = ['--types', 'node', '--typeRoots', join(ROOT, 'node_modules/@types'), '--skipLibCheck'];
    const flags = ['--noEmit', '--strict', '--module', 'nodenext', '--target', 'es2024', ...types];
    const ran = await run(process.execPath, [tsc, ...flags, 'typed.ts'], { cwd: project() });
    assert.equal(ran.stdout, '');
    assert.equal(ran.code, 0);
  });

  it('stops its commands by SIGTERM, with exit code 0', async () => {
    assert.equal(children.length, 2);
    for (const child of children) {
      const exited = once(child, 'exit');
      child.kill('SIGTERM');
      assert.deepEqual(await exited, [0, null]);
    }
  });
});
