import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, opendir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { type RunningClamd, startClamd } from '../../../infra/local/clamav/clamd.ts';
import { ensureClamd } from '../../../infra/local/clamav/install.ts';
import { provideSignatures } from '../../../infra/local/clamav/signatures.ts';
import { builtInTypes } from '../../../infra/local/clamav/types.ts';
import { EICAR } from '../../../shared/scanning/canary.ts';
import { type Clamd, createClamd } from '../../../shared/scanning/clamd.ts';
import { sharedScanner } from '../../support/clamd.ts';
import { zip } from '../local/clamav/zip.ts';

const SOURCE = fileURLToPath(new URL('../../../infra/clamav', import.meta.url));

/** The types that ClamAV 1.4.6 ignores (CL_TYPE_IGNORED): the magic at offset 0. */
const IGNORED = {
  'an MP3 with tags': '494433',
  'an MP3': 'fffb90',
  Ogg: '4f676753',
  RealMedia: '2e524d46',
  SQLite: '53514c69746520666f726d6174203300',
  'a write-ahead log': '377f0682002de218',
  'another write-ahead log': '377f0683002de218',
  'a journal of SQLite': 'd9d505f920a163d7',
  'a SIP log': '5349502d48495420285349502f48',
  'SYM data': '53594d430100',
} as const;
/** And this pattern, at the offsets 0 to 128. */
const IMAGE = Buffer.from(`2f5247420a49440a${'ff'.repeat(24)}`, 'hex');

describe('types that ClamAV would ignore', () => {
  let folder: string;
  let program: string;
  before(async () => {
    program = await ensureClamd();
    folder = await mkdtemp(join(tmpdir(), 'types-'));
  });
  after(() => rm(folder, { recursive: true }));

  for (const deployment of ['without an official database', 'beside an official table'] as const) {
    describe(`is looked into ${deployment}`, () => {
      let scanner: Clamd;
      let clamd: RunningClamd | undefined;
      before(async function () {
        if (deployment === 'without an official database') {
          scanner = await sharedScanner();
          return;
        }
        const official = await officialTable(folder, program);
        if (official === undefined) return this.skip();
        const options = { folder: join(folder, 'clamd'), maxScanBytes: 2 ** 20, threads: 1 };
        await mkdir(options.folder);
        clamd = await startClamd({ ...options, databaseDirectory: official });
        const deadlines = { connectTimeoutMs: 30_000, idleTimeoutMs: 60_000, totalTimeoutMs: 150_000 };
        scanner = createClamd({ ...clamd, ...deadlines });
      });
      after(() => clamd?.stop());

      async function kindOf(...parts: readonly Buffer[]): Promise<string> {
        const file = Buffer.concat(parts);
        const bytes = async function* () {
          yield file;
        };
        return (await scanner.scan(bytes(), { size: file.length })).kind;
      }

      for (const [name, magic] of Object.entries(IGNORED)) {
        it(name, async () => {
          const start = Buffer.from(magic, 'hex');
          assert.equal(await kindOf(start, EICAR), 'infected');
          assert.equal(await kindOf(start, Buffer.from('=1;var x="'), EICAR, Buffer.from('"')), 'infected');
          assert.equal(await kindOf(zip({ name: 'a', data: Buffer.concat([start, EICAR]) })), 'infected');
          assert.equal(await kindOf(start, zip({ name: 'a', data: EICAR })), 'infected');
          assert.equal(await kindOf(start, Buffer.alloc(1000, 'harmless ')), 'clean');
        });
      }

      it('a piece of an image, wherever its pattern may be', async () => {
        for (const before of [Buffer.alloc(0), Buffer.from('MZ\x90'), Buffer.alloc(64), Buffer.alloc(128)]) {
          assert.equal(await kindOf(before, IMAGE, EICAR), 'infected');
          assert.equal(await kindOf(before, IMAGE, Buffer.alloc(100_000), EICAR), 'infected');
          assert.equal(await kindOf(before, IMAGE, Buffer.alloc(1000)), 'unscannable');
        }
        assert.equal(await kindOf(Buffer.alloc(129), IMAGE, EICAR), 'infected');
      });

      it('and all other types are what they were', async () => {
        assert.equal(await kindOf(zip({ name: 'a', data: EICAR })), 'infected');
        const pdf = await readFile('/usr/share/clamav-testfiles/clam.pdf');
        assert.equal(await kindOf(pdf), deployment === 'beside an official table' ? 'clean' : 'infected');
      });
    });
  }

  it('is the same table in the sidecar as on one machine', async () => {
    const directory = join(folder, 'sidecar');
    const run = async () => {
      const script = `set -uo pipefail; . "$here/rules.sh" && provide_rules`;
      const env = { PATH: `${process.env['PATH']}:/usr/sbin`, here: SOURCE, DATABASE_DIRECTORY: directory };
      await promisify(execFile)('bash', ['-c', script], { env });
      return readFile(join(directory, 'unscannable.ftm'), 'utf8');
    };
    await mkdir(directory);
    const own = await readFile(join(SOURCE, 'unscannable.ftm'), 'utf8');
    assert.equal(await run(), `${await builtInTypes(program)}${own}`);
    await writeFile(join(directory, 'daily.cvd'), 'of today');
    assert.equal(await run(), own);
  });

  it('cannot be read from a program that has none: clamd is not started then', async () => {
    await assert.rejects(
      builtInTypes('/bin/true'),
      /file types that are built into \/bin\/true cannot be read/,
    );
    const directory = join(folder, 'none');
    await mkdir(directory);
    const script = `clamd() { :; }; . "$here/rules.sh"; provide_rules`;
    const env = { PATH: `${process.env['PATH']}`, here: SOURCE, DATABASE_DIRECTORY: directory };
    await assert.rejects(promisify(execFile)('bash', ['-c', script], { env }));
  });
});

/**
 * A directory with the whole table, as daily.cvd has it, and a signature. clamd loads daily.cvd before what is ours; files of
 * one rank are loaded as the directory lists them, so it gets a name that is listed before.
 * @returns undefined where no name does
 */
async function officialTable(folder: string, program: string): Promise<string | undefined> {
  const official = join(folder, 'official');
  await mkdir(official);
  await writeFile(join(official, 'eicar.ndb'), `Eicar-Test-Signature:0:*:${EICAR.toString('hex')}\n`);
  const ignored = [
    ...Object.values(IGNORED).map((magic) => `0:0:${magic}`),
    `1:0,128:${IMAGE.toString('hex')}`,
  ];
  const lines = ignored.map((line) => `${line}:Official:CL_TYPE_ANY:CL_TYPE_IGNORED\n`).join('');
  let file = join(official, 'official-0.ftm');
  await writeFile(file, `${await builtInTypes(program)}${lines}`);
  for (let attempt = 1; attempt < 50; attempt++) {
    const { directory } = await provideSignatures(join(folder, `try-${attempt}`), program, official);
    const listed: string[] = [];
    for await (const { name } of await opendir(directory)) if (name.endsWith('.ftm')) listed.push(name);
    if (listed[0] !== 'unscannable.ftm') return official;
    const next = join(official, `official-${attempt}.ftm`);
    await rename(file, next);
    file = next;
  }
  return undefined;
}
