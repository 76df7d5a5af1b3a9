import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { parse } from 'yaml';
import { noise } from '../support/noise.ts';
import { EICAR, OWNER, Service } from '../support/service.ts';

interface Sample {
  readonly lang: string;
  readonly source: string;
}
interface Contract {
  readonly paths: Record<string, Record<string, { readonly 'x-codeSamples'?: readonly Sample[] }>>;
}

const { paths } = parse(readFileSync(new URL('../../openapi.yaml', import.meta.url), 'utf8')) as Contract;
const UPLOAD = paths['/files']?.['post']?.['x-codeSamples'] ?? [];
const DOWNLOAD = paths['/files/{id}']?.['get']?.['x-codeSamples'] ?? [];
const LANGUAGES = ['Shell', 'TypeScript', 'Python', 'Java', 'C#'];

/** A sample as a program, what runs it, and what has to be there for that. There is nothing here that runs C#. */
const PROGRAMS: Readonly<Record<string, Program>> = {
  Shell: {
    file: 'sample.sh',
    command: 'bash',
    needs: ['curl', '--version'],
    of: (source) => `set -e\n${source}`,
  },
  TypeScript: {
    file: 'sample.mts',
    command: process.execPath,
    needs: [process.execPath, '--version'],
    of: (source) =>
      `import { writeFile } from 'node:fs/promises';\nObject.assign(globalThis, { token: process.env.TOKEN, id: process.env.ID });\n${source}`,
  },
  Python: {
    file: 'sample.py',
    command: 'python3',
    needs: ['python3', '-c', 'import requests'],
    of: (source) => `import os\ntoken, id = os.environ['TOKEN'], os.environ['ID']\n${source}`,
  },
  Java: {
    file: 'Sample.java',
    command: 'java',
    needs: ['javac', '--version'],
    of: (source) => `
      import java.io.*; import java.net.*; import java.net.http.*; import java.nio.file.*;
      import java.net.http.HttpRequest.BodyPublishers; import java.net.http.HttpResponse.*;
      class Sample {
        public static void main(String[] args) throws Exception {
          var token = System.getenv("TOKEN"); var id = System.getenv("ID");
          ${source}
        }
      }`,
  },
};
interface Program {
  readonly file: string;
  readonly command: string;
  readonly needs: readonly [string, ...string[]];
  readonly of: (source: string) => string;
}

describe('code samples of the API contract', () => {
  const service = new Service();
  const bytes = noise(3_000);
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'samples-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  /** @throws {Error} where the program fails */
  async function run(
    { lang, source }: Sample,
    id = '',
    scopes: readonly ('read' | 'write')[] = ['read', 'write'],
  ): Promise<void> {
    const { file, command, of } = PROGRAMS[lang] ?? assert.fail(lang);
    const text = of(source).replaceAll('https://fileshare.example.org', service.url);
    await writeFile(join(folder, file), text);
    const env = { ...process.env, TOKEN: await service.platform.token(OWNER, scopes), ID: id };
    await promisify(execFile)(command, [file], { cwd: folder, env });
  }
  const letter = () => join(folder, 'letter.pdf');
  const ids = async () => new Set((await service.names('permanent', 'files/')).map((name) => name.slice(6)));

  it('are in each language, for uploads and for downloads', () => {
    for (const samples of [UPLOAD, DOWNLOAD])
      assert.deepEqual(
        samples.map(({ lang }) => lang),
        LANGUAGES,
      );
  });

  for (const [lang, { needs }] of Object.entries(PROGRAMS)) {
    const [command, ...args] = needs;
    (spawnSync(command, args).status === 0 ? describe : describe.skip)(lang, () => {
      const of = (samples: readonly Sample[]) =>
        samples.find((sample) => sample.lang === lang) ?? assert.fail(lang);

      it('uploads a file with its type', async () => {
        const known = await ids();
        await writeFile(letter(), bytes);
        await run(of(UPLOAD));
        const [id = '', ...more] = [...(await ids())].filter((each) => !known.has(each));
        assert.deepEqual(more, []);
        const { state, contentType, size } = await service.decided(id);
        assert.deepEqual([state, contentType, size], ['clean', 'application/pdf', bytes.length]);
      });

      it('fails where the upload is refused', async () => {
        await writeFile(letter(), bytes);
        await assert.rejects(run(of(UPLOAD), '', ['read']));
      });

      it('downloads the bytes', async () => {
        const { id } = await service.upload(bytes, {
          'content-disposition': 'attachment; filename=letter.pdf',
        });
        await service.decided(id);
        await run(of(DOWNLOAD), id);
        assert.ok((await readFile(letter())).equals(bytes));
      });

      it('fails for malware, and takes no refusal for the file', async () => {
        const { id } = await service.upload(EICAR);
        await service.decided(id);
        await assert.rejects(run(of(DOWNLOAD), id));
        assert.equal(existsSync(letter()), false);
      });
    });
  }
});
