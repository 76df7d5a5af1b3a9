import assert from 'node:assert/strict';
import { appendFile, copyFile, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { EICAR, eventually, OWNER, Service } from '../support/service.ts';
import { clientOf, commandLine, Folder } from './fixture.ts';

const OTHER = 'org:974652269';

describe('client: fileshare admin for owners and exports', () => {
  const service = new Service();
  const folder = new Folder();
  const fileshare = commandLine(service, folder, () => ({}));
  let env: Record<string, string>;
  let clean: string;

  before(async () => {
    const { sweeperUrl } = service.platform;
    const operator = await service.platform.identityToken('operator', sweeperUrl);
    env = { FILESHARE_SWEEPER_URL: sweeperUrl, FILESHARE_OPERATOR_TOKEN: operator };
    ({ id: clean } = await service.upload('clean bytes'));
    const { id: infected } = await service.upload(EICAR);
    const states = () => Promise.all([clean, infected].map(async (id) => (await service.decided(id)).state));
    assert.deepEqual(await states(), ['clean', 'infected']);
    await clientOf(service).share(clean, OTHER);
    const keys = await fetch(`${service.url}/.well-known/jwks.json`);
    await writeFile(folder.path('keys.json'), await keys.text());
  });
  const admin = (...args: string[]) => fileshare(['admin', ...args], { env });
  const verify = (list: string, statement: string) =>
    admin('owner', 'verify', list, statement, '--keys', 'keys.json');

  it('restores what was destroyed from an export, after it has told what it would do', async () => {
    await service.export();
    const { stdout } = await admin('exports');
    assert.match(stdout, /^\d{4}-\S+Z {2}\d{4}-\S+Z {2}full +\d+$/m);
    const permanent = service.bucket('permanent');
    for (const name of [`files/${clean}`, `verdicts/${clean}`]) {
      const there = (await permanent.stat(name)) ?? assert.fail(name);
      await permanent.delete(name, there);
    }
    const dry = await admin('restore', '--file', clean);
    assert.match(dry.stdout, /^As of \S+: restored 1$/m);
    assert.match(dry.stderr, /Nothing was written/);
    assert.equal((await service.call('GET', `/files/${clean}`)).status, 404);
    const restored = await admin('restore', '--file', clean, '--apply');
    assert.deepEqual([restored.code, restored.stderr], [0, '']);
    assert.equal(await (await service.call('GET', `/files/${clean}`)).text(), 'clean bytes');
    assert.equal((await admin('restore')).code, 2);
  });

  it('exports the list and the bytes that may be handed out, for nobody else to read', async () => {
    const { code, stdout, stderr } = await admin('owner', 'export', OWNER, 'exported');
    assert.deepEqual([code, stdout], [0, 'exported: 1 files\n'], stderr);
    assert.match(stderr, /^1 more have no bytes here/);
    assert.deepEqual(await readdir(folder.path('exported', 'files')), [clean]);
    assert.equal(await readFile(folder.path('exported', 'files', clean), 'utf8'), 'clean bytes');
    const { mode } = await stat(folder.path('exported', 'holdings.ndjson'));
    assert.equal(mode & 0o777, 0o600);
    const listed = await admin('owner', 'list', OWNER);
    const lines = listed.stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as object);
    assert.deepEqual(lines.at(-1), { end: true, count: lines.length - 2 });
  });

  it('erases nothing before it is told to, and then has signed what it did', async () => {
    const planned = await admin('owner', 'erase', OWNER, 'list.ndjson');
    assert.match(planned.stdout, /^list\.ndjson: file 2, verdict 2, /);
    assert.equal((await service.call('GET', `/files/${clean}`)).status, 200);
    const refused = await admin('owner', 'erase', OTHER, 'list.ndjson', '--yes');
    assert.deepEqual([refused.code, /another principal/.test(refused.stderr)], [2, true]);
    const erased = await admin('owner', 'erase', OWNER, 'list.ndjson', '--yes');
    assert.equal(erased.code, 6, erased.stderr);
    assert.match(
      erased.stdout,
      /Not complete: collection 1\.\n {2}permanent\/blobs\/sha256\/\S+: collection, until /,
    );
    assert.equal((await service.call('GET', `/files/${clean}`)).status, 404);
  });

  it('comes to its end by the same command, once the collection could delete the contents', async () => {
    const permanent = service.bucket('permanent');
    const [blob = ''] = await service.names('permanent', 'blobs/');
    const there = (await permanent.stat(blob)) ?? assert.fail();
    await permanent.patch(blob, there, { usedAt: '2020-01-01T00:00:00.000Z' });
    await eventually(async () => {
      await service.sweeper('/collect');
      return (await service.names('permanent', 'blobs/')).length === 0;
    });
    const { code, stdout, stderr } = await admin('owner', 'erase', OWNER, 'list.ndjson', '--yes');
    assert.equal(code, 0, stderr);
    assert.match(stdout, /of (\d+) objects, \1 are gone\. Nothing is left/);
    for (const prefix of ['files/', 'verdicts/', 'shared/', 'receipts/', 'blobs/']) {
      assert.deepEqual(await service.names('permanent', prefix), [], prefix);
    }
    assert.deepEqual(await service.names('quarantine', ''), []);
  });

  it('verifies the statement offline, and no other list, statement or key', async () => {
    const good = await verify('list.ndjson', 'list.ndjson.statement.json');
    assert.deepEqual([good.code, /Nothing is left/.test(good.stdout)], [0, true], good.stderr);
    await copyFile(folder.path('list.ndjson'), folder.path('other.ndjson'));
    await appendFile(folder.path('other.ndjson'), '\n');
    assert.match((await verify('other.ndjson', 'list.ndjson.statement.json')).stderr, /about another list/);
    const envelope = await readFile(folder.path('list.ndjson.statement.json'), 'utf8');
    const members = JSON.parse(envelope) as { payload: string };
    const payload = Buffer.from(members.payload, 'base64').toString().replace('"absent":', '"absent":1');
    const forged = { ...members, payload: Buffer.from(payload).toString('base64') };
    await writeFile(folder.path('forged.json'), JSON.stringify(forged));
    assert.match((await verify('list.ndjson', 'forged.json')).stderr, /not signed with any of these keys/);
  });

  it('exports files with the longest names that the service keeps, and files without a byte', async () => {
    const owner = 'org:123456785';
    const name = `${'ø'.repeat(254)}.pdf`;
    const headers = { 'content-disposition': `attachment; filename*=UTF-8''${encodeURIComponent(name)}` };
    const uploads = [
      await service.upload('named', headers, { as: owner }),
      await service.upload('', {}, { as: owner }),
    ];
    for (const { id } of uploads) {
      const wait = { as: owner, headers: { prefer: 'wait=60' } };
      await (await service.call('GET', `/files/${id}/status`, wait)).arrayBuffer();
    }
    const { code, stdout, stderr } = await admin('owner', 'export', owner, 'long');
    assert.deepEqual([code, stdout], [0, 'long: 2 files\n'], stderr);
    const [long, empty] = uploads.map(({ id }) => id);
    const names = (await readdir(folder.path('long', 'files'))).sort((a, b) => b.length - a.length);
    assert.match(names[0] ?? '', new RegExp(`^${long}-ø+\\.pdf$`));
    assert.equal(await readFile(folder.path('long', 'files', names[0] ?? ''), 'utf8'), 'named');
    assert.deepEqual([names[1], (await stat(folder.path('long', 'files', `${empty}`))).size], [empty, 0]);
  });
});
