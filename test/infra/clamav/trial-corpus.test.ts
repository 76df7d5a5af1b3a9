import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { EICAR } from '../../../shared/scanning/canary.ts';
import { packed, trialCorpus } from './trial-corpus.ts';

const HERE = fileURLToPath(new URL('../../../infra/clamav', import.meta.url));

/** `UPDATE_TRIAL=1` writes the corpus anew. Bytes are not compared: another zlib compresses in another way. */
describe('the trial corpus', () => {
  const corpus = trialCorpus();
  let folder: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'trial-corpus-'));
    if (process.env['UPDATE_TRIAL'] === '1') {
      mkdirSync(join(HERE, 'trial'), { recursive: true });
      for (const [kind, files] of Object.entries(corpus)) {
        writeFileSync(join(HERE, 'trial', `${kind}.rot13`), packed(files));
      }
    }
    execFileSync('bash', ['-c', 'here=$1; . "$1/trial.sh"; unpack_trial "$2"', '-', HERE, folder]);
  });
  after(() => rmSync(folder, { recursive: true }));

  for (const kind of ['clean', 'malware'] as const) {
    it(`has the ${kind} files that are listed`, () => {
      assert.deepEqual(readdirSync(join(folder, kind)).sort(), Object.keys(corpus[kind]).sort());
    });
  }

  it('has the EICAR test file, byte by byte', () => {
    assert.deepEqual(readFileSync(join(folder, 'malware/eicar.com')), EICAR);
  });

  it('has no malware where an antivirus would find it', () => {
    const text = readFileSync(join(HERE, 'trial/malware.rot13'));
    assert.equal(text.includes(EICAR), false);
    assert.equal(Buffer.from(text.toString(), 'base64').includes(EICAR), false);
  });
});
