import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmod, mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Handle } from '../../client/src/index.ts';
import { REPORT_MEDIA_TYPE } from '../../functions/sweeper/auditor/signed-report.ts';
import { verdictKeyOf } from '../../infra/local/keys/verdict-key.ts';
import { encrypted, zip } from '../../infra/local/samples/zip.ts';
import { toEnvelope } from '../../shared/signing/envelope.ts';
import { FileKey } from '../../shared/signing/file-key.ts';
import { StatementSigner } from '../../shared/signing/signer.ts';
import { noise } from '../support/noise.ts';
import { EICAR, OWNER, Service } from '../support/service.ts';
import { BadLine, commandLine, Folder, MAIN, MIB, type Ran, run } from './fixture.ts';

const OTHER = 'org:974652269';

describe('client: the command line', () => {
  const service = new Service();
  const folder = new Folder();
  const line = new BadLine(() => service.url);
  const fileshare = commandLine(service, folder, () => ({
    PUBSUB_EMULATOR_HOST: service.platform.pubsubHost,
  }));
  let token = '';

  before(async () => {
    token = await service.platform.token(OWNER);
    await writeFile(folder.path('clean.txt'), 'clean');
    await writeFile(folder.path('eicar.txt'), EICAR);
  });

  async function json<T = Handle>(...args: readonly string[]): Promise<T> {
    const { code, stdout, stderr } = await fileshare([...args, '--json']);
    assert.equal(code, 0, stderr);
    return JSON.parse(stdout) as T;
  }

  it('uploads a file, waits, and tells its verdict by line and exit code', async () => {
    const clean = await fileshare(['upload', 'clean.txt', '--wait']);
    assert.deepEqual([clean.code, clean.stderr], [0, '']);
    assert.match(clean.stdout, /^clean {8}[0-9a-v]{43} +5 B {2}clean\.txt\n$/);
    const infected = await fileshare(['upload', 'clean.txt', 'eicar.txt', 'none.txt', '--wait']);
    assert.equal(infected.code, 3, 'the gravest of several');
    assert.match(infected.stdout, /^clean .*\ninfected .*eicar\.txt {2}\(.*Eicar.*\)\n$/i);
    assert.match(infected.stderr, /none\.txt: ENOENT/);
  });

  describe('for operators', () => {
    let env: Record<string, string>;
    before(async () => {
      const { sweeperUrl } = service.platform;
      const operator = await service.platform.identityToken('operator', sweeperUrl);
      env = { FILESHARE_SWEEPER_URL: sweeperUrl, FILESHARE_OPERATOR_TOKEN: operator };
    });
    const admin = (...args: string[]) => fileshare(['admin', ...args], { env });

    it('hunts for a list, condemns what is found, lists and saves the quarantine, and releases', async () => {
      const bytes = noise(777);
      await writeFile(folder.path('hunted.bin'), bytes);
      const { id, sha256 = '' } = await json('upload', 'hunted.bin', '--wait');
      await writeFile(folder.path('list.txt'), `${sha256}\n${'0'.repeat(64)}\nno digest\n`);

      const found = await admin('hunt', 'list.txt');
      assert.deepEqual([found.code, found.stdout], [3, `${sha256}      777 B  by sha256\n`]);
      assert.match(
        found.stderr,
        /^The list names 2 SHA-256 and 0 MD5; lines without a digest: 1\. About \d+ contents are stored: 16 listings/,
      );
      assert.match(found.stderr, /^1 found$/m);
      const condemned = await admin('hunt', 'list.txt', '--condemn', 'a list of the national CERT', '--json');
      assert.equal((JSON.parse(condemned.stdout) as { condemned: number }).condemned, 1);
      assert.equal((await fileshare(['download', id, '-o', '-'])).code, 3);

      for (let sweeps = 0; (await json('status', id)).state !== 'infected'; sweeps++) {
        assert.ok(sweeps < 20);
        assert.equal((await admin('sweep')).code, 0);
      }
      const listed = await admin('quarantine');
      assert.match(listed.stdout, new RegExp(`^sha256/${sha256} +777 B  stands +Operator\\.Condemned$`, 'm'));
      const saved = await admin('quarantine-content', `sha256/${sha256}`, '-o', folder.path('malware.zip'));
      assert.equal(saved.code, 0, saved.stderr);
      assert.equal((await readFile(folder.path('malware.zip'))).subarray(0, 2).toString(), 'PK');
      assert.equal(
        (await admin('quarantine-content', `sha256/${sha256}`, '-o', folder.path('malware.zip'))).code,
        5,
      );

      const released = await admin('release', sha256, 'a false positive', '--json');
      assert.deepEqual([released.code, released.stdout], [0, '{"released":1}\n']);
      for (let sweeps = 0; (await json('status', id)).state !== 'clean'; sweeps++) {
        assert.ok(sweeps < 20);
        assert.equal((await admin('sweep')).code, 0);
      }
      assert.equal((await fileshare(['download', id, '-o', '-'])).code, 0);
      assert.equal((await admin('hunt', 'clean.txt')).code, 5, 'a list without digests');
    });

    it('asks for re-scans, collections, redrives and condemnations', async () => {
      for (const args of [
        ['rescan'],
        ['collect'],
        ['redrive', '--all'],
        ['redrive', '0'.repeat(43)],
        ['condemn', '1'.repeat(64), 'known malware'],
      ]) {
        const { code, stdout, stderr } = await admin(...args);
        assert.equal(code, 0, stderr);
        const report: unknown = JSON.parse(stdout);
        assert.equal(stdout, `${JSON.stringify(report, undefined, 2)}\n`, args.join(' '));
      }
      assert.equal((await admin('redrive')).code, 2);
      assert.equal((await admin('release', 'x', 'why')).code, 5);
    });

    it('orders re-scans by a name, after it has told what they take, and decides on them', async () => {
      const planned = await admin('rescan', 'start', '--everything', '--dry-run');
      assert.match(
        planned.stdout,
        /^\d+ contents, [\d.]+ [kM]?B: 8 listings, \d+ s of scans, \d+ days? by the budget, \$0\.\d+\.\n$/,
      );
      assert.deepEqual((await admin('rescan', 'status')).stdout, '');
      const started = await admin(
        'rescan',
        'start',
        'monday',
        '--clean-before',
        '2026-11-29',
        '--prefix',
        'ab',
      );
      assert.match(
        started.stdout,
        /^waiting {4}monday {4}0 % {2}0 sent \(0 B\), 0 passed over {2}fileshare-operator@/,
      );
      assert.match(
        started.stderr,
        /^0 contents, 0 B.*\nThe job is monday: after an error, send it again by this name\.\n$/,
      );
      assert.equal(
        (await admin('rescan', 'start', 'monday', '--everything')).code,
        5,
        'another order by this name',
      );
      for (const [wish, state] of [
        ['pause', 'paused'],
        ['resume', 'waiting'],
        ['cancel', 'cancelled'],
      ] as const) {
        assert.match((await admin('rescan', wish, 'monday')).stdout, new RegExp(`^${state} +monday `));
      }
      const unnamed = await admin('rescan', 'start', '--database', '27654', '--json');
      const { job, database } = JSON.parse(unnamed.stdout) as { job: string; database: number };
      assert.match(job, /^\d{4}-\d\d-\d\d-[0-9a-f]{6}$/);
      assert.equal(database, 27654);
      assert.equal((await admin('rescan')).code, 0);
      assert.match((await admin('rescan', 'status', job)).stdout, /^completed .* 100 % /);
      assert.equal((await admin('rescan', 'status')).stdout.split('\n').length, 3);
      assert.equal((await admin('rescan', 'start')).code, 2);
      assert.equal((await admin('rescan', 'start', '--everything', '--prefix', 'a')).code, 2);
      assert.equal((await admin('rescan', 'start', '--clean-from', 'yesterday')).code, 2);
    });

    it('says what it needs, and that others may not', async () => {
      const without = await fileshare(['admin', 'sweep']);
      assert.equal(without.code, 2);
      assert.match(
        without.stderr,
        /FILESHARE_SWEEPER_URL.*gcloud auth print-identity-token.*npm run --silent operator/,
      );
      const token = await service.platform.identityToken('schedule', service.platform.sweeperUrl);
      const denied = await fileshare(['admin', 'condemn', '1'.repeat(64), 'x'], {
        env: { ...env, FILESHARE_OPERATOR_TOKEN: token },
      });
      assert.equal(denied.code, 7);
    });
  });

  it('refuses an empty standard input, unless it is told that it may be', async () => {
    const empty = { input: new Uint8Array(0) };
    const refused = await fileshare(['upload', '-'], empty);
    assert.equal(refused.code, 2);
    assert.match(refused.stderr, /^-: It is empty\. Use --allow-empty/m);
    assert.equal((await json('upload', '-', '--allow-empty', '--wait')).size, 0);
  });

  it('works in pipes', async () => {
    const sent = await fileshare(['upload', '-', '--json', '--name', 'x.bin'], { input: noise(1000) });
    const { id, fileName } = JSON.parse(sent.stdout) as Handle;
    assert.deepEqual([sent.code, fileName], [0, 'x.bin']);
    assert.equal((await fileshare(['wait', id])).code, 0);
    const got = await fileshare(['download', id, '-o', '-']);
    assert.deepEqual([got.code, got.stderr], [0, '']);
    assert.ok(noise(1000).equals(Buffer.from(got.stdout, 'latin1')));
  });

  it('gives the same file for an idempotency key, and refuses one that would mean nothing', async () => {
    await writeFile(folder.path('large.bin'), noise(9 * MIB));
    const upload = (...args: string[]) =>
      fileshare(['upload', '--idempotency-key', 'once', '--json', ...args]);
    const idIn = ({ stdout }: Ran) => (JSON.parse(stdout) as Handle).id;
    const refused = await upload('large.bin');
    assert.equal(refused.code, 2);
    assert.match(refused.stderr, /8 MiB, or with --via post/);
    assert.equal((await upload('clean.txt', '--via', 'tus')).code, 2);
    const first = await upload('large.bin', '--via', 'post');
    assert.equal(idIn(await upload('large.bin', '--via', 'post')), idIn(first));
  });

  it('gives uploads a correlation id, and lists the files that have it', async () => {
    const { id, correlationId } = await json('upload', 'clean.txt', '--correlation-id', 'message 17');
    assert.equal(correlationId, 'message 17');
    assert.equal((await json('ls', '--correlation-id', 'message 17')).id, id);
    assert.equal((await fileshare(['ls', '--correlation-id', 'message 18'])).stdout, '');
  });

  it('downloads under the name of the file, whole or not at all, and replaces nothing', async () => {
    const { id } = await json('upload', 'clean.txt', '--wait', '--name', '../../.evil\u001b[2J.txt');
    const place = folder.path('downloads');
    await mkdir(place);
    const first = await fileshare(['download', id, '-o', place]);
    assert.equal(first.code, 0, first.stderr);
    assert.deepEqual(await readdir(place), ['evil[2J.txt']);
    assert.equal(await readFile(join(place, 'evil[2J.txt'), 'utf8'), 'clean');
    assert.equal((await fileshare(['download', id, '-o', place])).code, 2);
    assert.equal((await fileshare(['download', id, '-o', place, '--force'])).code, 0);
  });

  it('refuses a download with another digest, and leaves nothing of it', async () => {
    await writeFile(folder.path('large.bin'), noise(MIB));
    const { id } = await json('upload', 'large.bin', '--wait');
    line.expect({ flipDown: 500_000 }, { flipDown: 500_000 });
    const env = { FILESHARE_URL: line.url };
    const saved = await fileshare(['download', id, '-o', 'broken.bin'], { env });
    assert.equal(saved.code, 5);
    assert.match(saved.stderr, /digest/);
    assert.deepEqual(
      (await readdir(folder.path())).filter((name) => name.startsWith('broken')),
      [],
    );
    line.expect({ flipDown: 500_000 });
    assert.equal((await fileshare(['download', id, '-o', '-'], { env })).code, 5);
  });

  it('has an exit code for each end', async () => {
    const { id } = JSON.parse(
      (await fileshare(['upload', 'eicar.txt', '--wait', '--json'])).stdout,
    ) as Handle;
    const codes: Record<string, number> = {
      ls: 0,
      '--help': 0,
      '--version': 0,
      'upload --help': 0,
      '': 2,
      uplod: 2,
      upload: 2,
      'upload a b --name c': 2,
      'upload - -': 2,
      'upload clean.txt --timeout soon': 2,
      'ls --limit 0': 2,
      'ls --url nowhere': 2,
      'watch --subscription x': 2,
      [`wait ${id}`]: 3,
      [`download ${id} -o x`]: 3,
      'upload none.txt': 5,
      'status none': 7,
      'ls --owner org:974652269': 7,
      'ls --url http://127.0.0.1:1': 5,
    };
    const check = async ([args, code]: [string, number]) => {
      const ran = await fileshare(args.split(' ').filter(Boolean));
      assert.equal(ran.code, code, `${args}: ${ran.stderr}`);
      if (code > 0) assert.doesNotMatch(ran.stderr, /\n {4}at /, 'no stack');
    };
    await Promise.all(Object.entries(codes).map(check));
    assert.equal((await fileshare(['ls'], { env: { FILESHARE_TOKEN: 'none' } })).code, 7);
    assert.equal((await fileshare(['ls'], { env: { FILESHARE_TOKEN: '' } })).code, 2);
  });

  it('ends with 4 for what could not be scanned, and with 6 for what is not scanned yet', async () => {
    await writeFile(folder.path('encrypted.zip'), zip([encrypted('a.txt', Buffer.from('a'), 'secret')]));
    assert.equal((await fileshare(['upload', 'encrypted.zip', '--wait'])).code, 4);
    // The scanner cannot read what is uploaded from here on.
    await service.fault({ operation: 'objects.getMedia', bucket: 'unscanned', effect: { kind: 'stall' } });
    const late = await fileshare(['upload', '-', '--wait', '--timeout', '0.5'], { input: noise(100, 42) });
    await service.clearFaults();
    assert.equal(late.code, 6, late.stderr);
    assert.match(late.stderr, /still pending/);
  });

  it('shares, lists, deletes', async () => {
    const { id } = await json('upload', 'clean.txt', '--wait');
    assert.match(
      (await fileshare(['share', id, OTHER, 'group:a'])).stdout,
      /^owner {3}org:889640782\nviewer {2}org:974652269\n/,
    );
    assert.equal((await fileshare(['unshare', id, OTHER])).code, 0);
    assert.deepEqual((await json<{ viewers: string[] }>('share', id)).viewers, ['group:a']);
    assert.match((await fileshare(['ls', '--limit', '1', '--state', 'clean'])).stdout, new RegExp(id));
    assert.equal((await fileshare(['download', id, '-o', '-'])).code, 0);
    assert.match((await fileshare(['receipts', id])).stdout, /^\d{4}-\S+Z {2}org:889640782\n$/);
    assert.equal((await json<{ principal: string }>('receipts', id)).principal, 'org:889640782');
    assert.match((await fileshare(['rm', id])).stderr, /deleted/);
    assert.equal((await json('status', id)).state, 'deleted');
  });

  it('lists as a table, CSV, JSON or ids, and what others share', async () => {
    const name = '=1,"2".txt';
    const { id, createdAt } = await json('upload', 'clean.txt', '--name', name, '--wait');
    const ls = async (...args: string[]) => (await fileshare(['ls', '--limit', '1', ...args])).stdout;
    const [head, row] = (await ls()).split('\n');
    assert.match(head ?? '', /^ID {43}STATE {8}SIZE {6}DATE {22}NAME {22}WHY$/);
    assert.equal(row, `${id}  clean        5 B       ${createdAt.padEnd(24)}  ${name}`);
    assert.equal(
      await ls('--format', 'csv'),
      `id,state,size,date,name,why\n${id},clean,5,${createdAt},"'=1,""2"".txt",\n`,
    );
    for (const ids of [await ls('-q'), await ls('--format', 'ids')]) assert.equal(ids, `${id}\n`);
    for (const documents of [await ls('--json', '-q'), await ls('--format', 'json')]) {
      assert.equal((JSON.parse(documents) as Handle).id, id);
    }
    assert.match(await ls('--state', 'infected'), / eicar\.txt +Eicar/);
    await fileshare(['share', id, OTHER]);
    const env = { FILESHARE_TOKEN: await service.platform.token(OTHER) };
    const shared = await fileshare(['ls', '--shared', '--format', 'csv'], { env });
    assert.match(shared.stdout, /^id,state,size,date,owner,name,why\n/);
    assert.ok(shared.stdout.includes(`${id},clean,5,${createdAt},${OWNER},`), shared.stdout);
    assert.equal((await fileshare(['ls', '--shared', '--owner', OTHER])).code, 2);
  });

  it('verifies a signed verdict without a token, and without the service where it has the keys', async () => {
    const { id } = await json('upload', 'clean.txt', '--wait');
    const keys = await (await fetch(`${service.url}/.well-known/jwks.json`)).text();
    await writeFile(folder.path('keys.json'), keys);
    await writeFile(folder.path('changed.txt'), 'cleaN');
    await writeFile(folder.path('longer.txt'), 'clean.');
    await writeFile(folder.path('no-keys.json'), '{}');
    for (const [name, ...flags] of [['envelope'], ['jws', '--jws']] as const) {
      const { code, stdout } = await fileshare(['verdict', id, ...flags]);
      assert.equal(code, 0);
      await writeFile(folder.path(name), stdout);
    }
    const verify = (file: string, statement: string, keysFrom: string[], env = {}) =>
      fileshare(['verify-verdict', file, statement, ...keysFrom], { env: { FILESHARE_TOKEN: '', ...env } });
    const offline = { FILESHARE_URL: 'http://127.0.0.1:1' };
    for (const statement of ['envelope', 'jws']) {
      const ran = await verify('clean.txt', statement, ['--keys', 'keys.json'], offline);
      assert.equal(ran.code, 0, ran.stderr);
      assert.match(
        ran.stdout,
        /^clean\.txt: clean\nThe signature is valid for this file: 5 bytes with SHA-256 \w{64}/,
      );
      assert.match(ran.stdout, /^Scanned at \S+Z by ClamAV [\d.]+/m);
      assert.equal((await verify('clean.txt', statement, [])).code, 0);
      for (const file of ['changed.txt', 'longer.txt']) {
        const other = await verify(file, statement, ['--keys', 'keys.json']);
        assert.equal(other.code, 5);
        assert.match(other.stderr, /about other bytes/);
        assert.equal(other.stdout, '');
      }
    }
    const envelope = JSON.parse(await readFile(folder.path('envelope'), 'utf8'));
    const payload = Buffer.from(envelope.payload, 'base64').toString().replace('1.4', '9.9');
    await writeFile(
      folder.path('forged'),
      JSON.stringify({ ...envelope, payload: Buffer.from(payload).toString('base64') }),
    );
    const forged = await verify('clean.txt', 'forged', ['--keys', 'keys.json']);
    assert.deepEqual([forged.code, /not signed with any of these keys/.test(forged.stderr)], [5, true]);
    assert.equal((await verify('none.txt', 'envelope', ['--keys', 'keys.json'])).code, 5);
    assert.equal((await verify('clean.txt', 'none', ['--keys', 'keys.json'])).code, 5);
    assert.equal((await verify('clean.txt', 'envelope', ['--keys', 'no-keys.json'])).code, 2);
    assert.equal((await verify('clean.txt', 'envelope', [], offline)).code, 5);
  });

  it('verifies the signed report of an audit, and tells by its exit code that a rule is broken', async () => {
    const verify = (report: string, ...keys: string[]) =>
      fileshare(['verify-report', report, ...keys], { env: { FILESHARE_TOKEN: '' } });
    const { signed } = await service.audit();
    assert.ok(signed);
    const stored = await service.names('permanent', 'auditor/reports/');
    assert.deepEqual(stored, [signed.name]);
    await writeFile(folder.path('report'), JSON.stringify(signed.envelope));
    const held = await verify('report');
    assert.equal(held.code, 0, held.stderr);
    assert.match(
      held.stdout,
      /^The signature is valid: an audit of permanent and unscanned from \S+Z to \S+Z\.\n/,
    );
    assert.match(held.stdout, /^It looked at \d+ files and \d+ contents\.\nNo rule is broken\.$/m);

    const key = verdictKeyOf(service.platform.status().data).slice('file:'.length);
    const report = JSON.parse(Buffer.from(signed.envelope.payload, 'base64').toString()) as object;
    const broken = { ...report, broken: { blobMissing: 2 }, complete: false };
    const other = await toEnvelope(
      new StatementSigner(new FileKey(key)),
      REPORT_MEDIA_TYPE,
      Buffer.from(JSON.stringify(broken)),
    );
    await writeFile(folder.path('broken'), JSON.stringify(other));
    const set = await (await fetch(`${service.url}/.well-known/jwks.json`)).text();
    await writeFile(folder.path('set.json'), set);
    const found = await verify('broken', '--keys', 'set.json');
    assert.equal(found.code, 5);
    assert.match(found.stdout, /, and was not at its end\.\nBroken rules:\n {2}blobMissing: 2$/m);
    const payload = Buffer.from('{}').toString('base64');
    await writeFile(folder.path('forged-report'), JSON.stringify({ ...other, payload }));
    assert.match((await verify('forged-report')).stderr, /not signed with any of these keys/);
  });

  it('has the report of an audit marked for deletion once there is a newer one', async () => {
    const reports = [(await service.audit()).signed, (await service.audit()).signed];
    const permanent = service.bucket('permanent');
    const stored = await Promise.all(reports.map((report) => permanent.stat(report?.name ?? '')));
    assert.deepEqual(
      stored.map((report) => report && report.customTime !== undefined),
      [true, false],
    );
  });

  it('tells by its exit code that a verified verdict is not clean', async () => {
    const { id } = JSON.parse(
      (await fileshare(['upload', 'eicar.txt', '--wait', '--json'])).stdout,
    ) as Handle;
    await writeFile(folder.path('infected'), (await fileshare(['verdict', id])).stdout);
    const ran = await fileshare(['verify-verdict', 'eicar.txt', 'infected']);
    assert.deepEqual([ran.code, /^eicar\.txt: infected \(.*Eicar/i.test(ran.stdout)], [3, true]);
    assert.equal((await fileshare(['verdict', 'none'])).code, 7);
  });

  it('gets a token of the development issuer, and reads one from a file', async () => {
    const { stdout } = await fileshare(['token', 'org:1', '--scope', 'read'], {
      env: { FILESHARE_TOKEN: '' },
    });
    assert.match(stdout, /^[\w-]+\.[\w-]+\.[\w-]+\n$/);
    const file = folder.path('token');
    await writeFile(file, stdout);
    await chmod(file, 0o600);
    const env = { FILESHARE_TOKEN: '', FILESHARE_TOKEN_FILE: file };
    assert.equal((await fileshare(['ls'], { env })).code, 0);
    const denied = await fileshare(['upload', 'clean.txt'], { env });
    assert.deepEqual([denied.code, /scope/.test(denied.stderr)], [7, true]);
  });

  it('watches files as they change, and events', async () => {
    let uploaded: Promise<Ran> | undefined;
    const changes = await fileshare(['watch', '--json', '--count', '1', '--interval', '0.1'], {
      watch: (output) => {
        if (output.includes('Watching')) uploaded ??= fileshare(['upload', 'eicar.txt', '--json']);
      },
    });
    const { id } = JSON.parse((await uploaded)?.stdout ?? '') as Handle;
    assert.equal((JSON.parse(changes.stdout) as Handle).id, id);
    const subscription = 'projects/fileshare-local/subscriptions/scan-events-cli';
    const events = await fileshare(['watch', '--subscription', subscription, '--count', '1', '--json']);
    const { type, data } = JSON.parse(events.stdout) as { type: string; data: { verdict: string } };
    assert.equal(type, 'no.nav.hops.fileshare.scan.completed.v1');
    assert.ok(data.verdict);
    const stopped = await fileshare(['watch'], {
      watch: (output, kill) => void (output.includes('Watching') && kill('SIGINT')),
    });
    assert.equal(stopped.code, 130);
  });

  it('stops an upload at Ctrl-C, and continues it', async () => {
    await writeFile(folder.path('resumed.bin'), noise(64 * MIB));
    const remembered = folder.path('state', 'hops-fileshare', 'uploads');
    const env = { FILESHARE_URL: line.url };
    line.expect();
    const first = await fileshare(['upload', 'resumed.bin', '--wait'], {
      env,
      // Two chunks are there: with less there is nothing to continue.
      started: (kill) => line.at(36 * MIB, () => kill('SIGINT')),
    });
    assert.deepEqual([first.code, first.stdout], [130, '']);
    assert.match(first.stderr, /The same command again goes on from here/);
    const [state = ''] = await readdir(remembered);
    assert.equal((await stat(join(remembered, state))).mode & 0o777, 0o600);
    assert.equal((await stat(remembered)).mode & 0o777, 0o700);

    line.expect();
    const second = await fileshare(['upload', 'resumed.bin', '--wait'], { env });
    assert.equal(second.code, 0, second.stderr);
    assert.match(second.stderr, /went on from \d+\.\d MB/);
    assert.ok(line.sent < 50 * MIB, 'it sends only what was missing');
    assert.deepEqual(await readdir(remembered), []);
  });

  it('shows a bar for each file at a terminal', async function () {
    if (spawnSync('script', ['--version']).status !== 0) return this.skip();
    const command = `${process.execPath} ${MAIN} upload clean.txt large.bin --wait`;
    const env = {
      FILESHARE_URL: service.url,
      FILESHARE_TOKEN: token,
      XDG_STATE_HOME: folder.path('state'),
      COLUMNS: '120',
    };
    const { code, stdout } = await run('script', ['-qec', command, '/dev/null'], { cwd: folder.path(), env });
    assert.equal(code, 0);
    const shown = Buffer.from(stdout, 'latin1').toString();
    for (const name of ['clean.txt', 'large.bin']) assert.match(shown, new RegExp(`${name} .*100%`));
  });

  for (const shell of ['bash', 'zsh', 'fish'] as const) {
    it(`prints a script of completions for ${shell}`, async function () {
      const { code, stdout } = await fileshare(['completion', shell]);
      assert.equal(code, 0);
      for (const word of ['upload', 'download', 'unshare', 'idempotency-key'])
        assert.ok(stdout.includes(word), word);
      if (spawnSync(shell, ['--version']).status !== 0) return this.skip();
      const script = folder.path(`completions.${shell}`);
      await writeFile(script, stdout);
      const { status, stderr } = spawnSync(shell, ['-n', script], { encoding: 'utf8' });
      assert.equal(status, 0, stderr);
    });
  }

  it('completes commands, options and files in bash', async () => {
    const { stdout } = await fileshare(['completion', 'bash']);
    const complete = (...words: string[]) => {
      const script = `${stdout}
COMP_WORDS=(${words.map((word) => `'${word}'`).join(' ')}); COMP_CWORD=${words.length - 1}; _fileshare
printf '%s\\n' "\${COMPREPLY[@]}"`;
      return spawnSync('bash', ['-c', script], { encoding: 'utf8', cwd: folder.path() })
        .stdout.trim()
        .split('\n');
    };
    assert.deepEqual(complete('fileshare', 'up'), ['upload']);
    assert.deepEqual(complete('fileshare', '--url', 'http://x', 'download', '--o'), ['--output']);
    assert.deepEqual(complete('fileshare', 'upload', 'clean'), ['clean.txt']);
    assert.deepEqual(complete('fileshare', 'completion', 'f'), ['fish']);
  });
});
