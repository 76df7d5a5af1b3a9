import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { OWNER, Service } from '../support/service.ts';

const ROOT = join(import.meta.dirname, '../..');
const run = promisify(execFile);

/** Uploads standard input, waits for the verdict, and writes the download to standard output. */
const PROGRAMS = {
  'openapi-typescript and openapi-fetch': {
    generate: ['openapi-typescript', join(ROOT, 'openapi.yaml'), '-o', 'schema.ts'],
    source: `
      import createClient from 'openapi-fetch';
      import type { paths } from './schema.ts';
      import { bytes, done, options } from './program.ts';

      const client = createClient<paths>(options);
      const uploaded = await client.POST('/files', {
        params: { header: { Prefer: 'wait=60', 'Correlation-Id': 'generated' } },
        headers: { 'content-type': 'application/pdf' },
        // The generator has no type for a binary schema but string; the serializer passes the bytes on.
        body: bytes as unknown as string,
        // As above.
        bodySerializer: (body) => body as unknown as Blob,
      });
      const { id, state, correlationId } = uploaded.data ?? done(uploaded.error);
      const listed = await client.GET('/files', { params: { query: { state: ['clean', 'pending'] } } });
      const found = listed.data?.files.some((file) => file.id === id);
      const downloaded = await client.GET('/files/{id}', { params: { path: { id } }, parseAs: 'arrayBuffer' });
      done({ state, correlationId, found }, downloaded.data);
    `,
  },
  '@hey-api/openapi-ts': {
    generate: ['openapi-ts', '-i', join(ROOT, 'openapi.yaml'), '-o', 'hey', '--silent'],
    source: `
      import { client } from './hey/client.gen';
      import { downloadFile, listFiles, uploadFile } from './hey';
      import { bytes, done, options } from './program.ts';

      client.setConfig(options);
      const uploaded = await uploadFile({
        headers: { Prefer: 'wait=60', 'Correlation-Id': 'generated', 'Content-Type': 'application/pdf' },
        body: bytes,
      });
      const { id, state, correlationId } = uploaded.data ?? done(uploaded.error);
      const listed = await listFiles({ query: { state: ['clean', 'pending'] } });
      const found = listed.data?.files.some((file) => file.id === id);
      const downloaded = await downloadFile({ path: { id } });
      const blob: Blob | File | undefined = downloaded.data;
      done({ state, correlationId, found }, await blob?.arrayBuffer());
    `,
  },
  orval: {
    generate: [
      'orval',
      '--input',
      join(ROOT, 'openapi.yaml'),
      '--output',
      './orval/client.ts',
      '--client',
      'fetch',
    ],
    source: `
      import { downloadFile, listFiles, uploadFile } from './orval/client';
      import { bytes, done, options } from './program.ts';

      // What it generates has addresses without a host.
      const { fetch } = globalThis;
      globalThis.fetch = (path, init) => fetch(new URL(String(path), options.baseUrl), init);
      const { headers } = options;
      const uploaded = await uploadFile(bytes, {
        headers: { ...headers, Prefer: 'wait=60', 'Correlation-Id': 'generated', 'Content-Type': 'application/pdf' },
      });
      if (uploaded.status !== 201) done(uploaded.data);
      const { id, state, correlationId } = uploaded.data;
      const listed = await listFiles({ state: ['clean', 'pending'] }, { headers });
      if (listed.status !== 200) done(listed.data);
      const found = listed.data.files.some((file) => file.id === id);
      const downloaded = await downloadFile(id, { headers });
      if (downloaded.status !== 200) done(downloaded.data);
      done({ state, correlationId, found }, await (downloaded.data as Blob).arrayBuffer());
    `,
  },
} as const;

/** The part that is the same for all. */
const COMMON = `
  import { readFileSync, writeFileSync } from 'node:fs';

  const [, , baseUrl = '', token = ''] = process.argv;
  export const bytes = new Blob([readFileSync('sent')]);
  export const options = { baseUrl, headers: { authorization: 'Bearer ' + token } };
  export function done(said: unknown, received?: ArrayBuffer): never {
    if (received) writeFileSync('received', new Uint8Array(received));
    console.log(JSON.stringify(said));
    process.exit();
  }
`;

describe('generated clients', function () {
  this.timeout(300_000);
  const service = new Service();
  let folder: string;
  const tool = (name: string, ...args: string[]) =>
    run(join(folder, 'node_modules/.bin', name), args, { cwd: folder });

  before(async function () {
    folder = await mkdtemp(join(tmpdir(), 'generated-'));
    await cp(join(import.meta.dirname, 'generators'), folder, { recursive: true });
    try {
      await run('npm', ['ci', '--no-audit', '--no-fund', '--prefer-offline'], { cwd: folder });
    } catch {
      console.log('    SKIPPED: the generators cannot be installed');
      return this.skip();
    }
    await writeFile(join(folder, 'program.ts'), COMMON);
  });
  after(() => rm(folder, { recursive: true, force: true }));

  it('are of a contract in which spectral finds nothing', async () => {
    await writeFile(join(folder, 'ruleset.yaml'), 'extends: ["spectral:oas"]\n');
    const options = ['--fail-severity=hint', '--quiet', '-r', 'ruleset.yaml'];
    await tool('spectral', 'lint', ...options, join(ROOT, 'openapi.yaml'));
  });

  for (const [name, { generate, source }] of Object.entries(PROGRAMS)) {
    it(`by ${name} compile, and upload and download the same bytes`, async () => {
      const [command = '', ...args] = generate;
      await tool(command, ...args);
      await writeFile(join(folder, 'main.ts'), source);
      await tool(
        'tsc',
        ...[
          '--noEmit',
          '--strict',
          '--skipLibCheck',
          '--target',
          'es2023',
          '--lib',
          'es2023,dom,dom.iterable',
        ],
        ...['--module', 'esnext', '--moduleResolution', 'bundler', '--allowImportingTsExtensions'],
        ...['--types', 'node', '--typeRoots', join(ROOT, 'node_modules/@types'), 'main.ts'],
      );
      await run(join(ROOT, 'node_modules/.bin/esbuild'), [
        ...[join(folder, 'main.ts'), '--bundle', '--platform=node', '--format=esm', '--log-level=error'],
        `--outfile=${join(folder, 'main.mjs')}`,
      ]);
      const sent = Buffer.concat([Buffer.from('%PDF-1.7 \r\n\0\xff', 'latin1'), randomBytes(100_000)]);
      await writeFile(join(folder, 'sent'), sent);
      await rm(join(folder, 'received'), { force: true });
      const token = await service.platform.token(OWNER);
      const { stdout } = await run(process.execPath, ['main.mjs', service.url, token], { cwd: folder });
      assert.deepEqual(JSON.parse(stdout), { state: 'clean', correlationId: 'generated', found: true });
      const received = await run('cmp', ['sent', 'received'], { cwd: folder });
      assert.equal(received.stdout, '');
    });
  }
});
