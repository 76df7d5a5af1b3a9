import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const HERE = fileURLToPath(new URL('../../../infra/clamav', import.meta.url));
const HEADER = 'ClamAV-VDB:10 Nov 2025 09-00 +0000:27000:2000000:90:md5:sig:builder:1762765200';

describe('detached signatures of databases, from ClamAV 1.5 on', () => {
  let folder: string;
  const database = () => readdirSync(join(folder, 'database')).sort();
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'detached-'));
    for (const name of ['database', 'run', 'mirror']) mkdirSync(join(folder, name));
    writeFileSync(join(folder, 'mirror', 'daily.cvd'), HEADER);
    writeFileSync(join(folder, 'database', 'daily-26999.cvd.sign'), 'old');
    writeFileSync(join(folder, 'database', 'main-62.cvd.sign'), 'of another database');
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  /** Runs with a clamd of that version, a freshclam that is content, and a bucket that has what `stored` matches. */
  function run(version: string, commands: string, stored = 'nothing'): string {
    const script = `here=$0
      clamd() { echo "ClamAV ${version}"; }
      for part in state settings mirror publish; do . "$here/$part.sh"; done
      install_checked() { mv -- "$staged" "$DATABASE_DIRECTORY/$1"; }
      look_up() { generation[$1]=0; [[ $1 != *${stored}* ]] || generation[$1]=1; }
      publish() { echo "published $1"; }
      declare -A generation; failure=
      ${commands}`;
    const env = {
      PATH: `${process.env['PATH']}`,
      DATABASE_DIRECTORY: join(folder, 'database'),
      RUN_DIRECTORY: join(folder, 'run'),
      SIGNATURE_MIRROR: `file://${join(folder, 'mirror')}`,
      SIGNATURE_FILES: 'daily.cvd',
    };
    return execFileSync('bash', ['-c', script, HERE], { encoding: 'utf8', env });
  }

  it('are brought with their database, in place of that of an older one', () => {
    writeFileSync(join(folder, 'mirror', 'daily-27000.cvd.sign'), 'new');
    run('1.5.3', 'update');
    assert.deepEqual(database(), ['daily-27000.cvd.sign', 'daily.cvd', 'main-62.cvd.sign']);
  });

  it('may be missing', () => {
    assert.equal(run('1.5.3', 'update; echo "$? $failure"').trim(), '0');
    assert.deepEqual(database(), ['daily-26999.cvd.sign', 'daily.cvd', 'main-62.cvd.sign']);
  });

  it('are nothing that 1.4 asks for', () => {
    writeFileSync(join(folder, 'mirror', 'daily-27000.cvd.sign'), 'new');
    run('1.4.6', 'update');
    assert.deepEqual(database(), ['daily-26999.cvd.sign', 'daily.cvd', 'main-62.cvd.sign']);
  });

  it('are put into the mirror by the job, once', () => {
    writeFileSync(join(folder, 'database', 'else-1.cvd.sign'), 'not of ClamAV');
    assert.equal(
      run('1.5.3', 'put_signatures'),
      'published daily-26999.cvd.sign\npublished main-62.cvd.sign\n',
    );
    assert.equal(run('1.5.3', 'put_signatures', 'main'), 'published daily-26999.cvd.sign\n');
  });
});
