import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { OWNER, Service } from '../support/service.ts';
import { commandsOf, OPERATORS_PAGES, programOf, RUN } from '../terraform/runbook-commands.ts';

const MAIN = join(import.meta.dirname, '../../client/src/cli/main.ts');
const JOB = 'roll-back-27654';
const COMMANDS = [...new Set(OPERATORS_PAGES.flatMap(commandsOf))].filter((command) =>
  RUN.includes(programOf(command)),
);
const EXPORTS = COMMANDS.filter((command) => programOf(command) === 'export');

/** Commands whose output tells whether they do what their page says. */
const OUTPUTS: readonly (readonly [part: string, output: RegExp])[] = [
  ['https://HOST/files', /"type":"[^"]+\/problems\/unauthenticated"/],
  ['"job": "roll-back-27654"', /"job":"roll-back-27654"/],
  ["SWEEPER-URL/quarantine'", /"name":"sha256\/[0-9a-f]{64}"/],
  ['SWEEPER-URL/release', /"released":1/],
  ['SWEEPER-URL/condemn', /"condemned":1/],
  ['admin release', /"released": 1/],
  ['admin rescan pause', /roll-back-27654/],
  ['fileshare receipts', new RegExp(OWNER)],
];

describe('commands for operators in docs/operations.md and the runbooks', () => {
  const service = new Service();
  let folder: string;
  let id: string;
  let sha256: string;
  let env: Record<string, string>;

  const script = (name: string, text: string) =>
    writeFile(join(folder, name), `#!/bin/sh\n${text}\n`, { mode: 0o755 });

  before(async () => {
    // Release and condemnation of a content come one after the other.
    service.contends();
    folder = await mkdtemp(join(tmpdir(), 'fileshare-runbooks-'));
    const operator = await service.platform.identityToken('operator', service.platform.sweeperUrl);
    const metrics = await service.platform.token('user:operator', ['admin']);
    const tokens = [`*identity-token) echo ${operator} ;;`, `*access-token) echo ${metrics} ;;`];
    await script('gcloud', `case "$*" in ${tokens.join(' ')} esac`);
    await script('fileshare', `exec "${process.execPath}" "${MAIN}" "$@"`);
    await writeFile(join(folder, '.curlrc'), 'fail-with-body\nsilent\n');
    await writeFile(join(folder, 'list.txt'), `${'0'.repeat(64)}\n`);
    const { signed } = await service.audit();
    await writeFile(join(folder, 'report.json'), JSON.stringify(signed?.envelope));
    const keys = await service.call('GET', '/.well-known/jwks.json', { as: '' });
    await writeFile(join(folder, 'keys.json'), await keys.text());
    ({ id } = await service.upload('a content that an operator condemns'));
    ({ sha256 = '' } = await service.decided(id));
    await (await service.call('GET', `/files/${id}`)).text();
    const body = JSON.stringify({ sha256, reason: 'to be released' });
    assert.ok((await service.sweeper('/condemn', { body })).ok);
    for (let sweeps = 0; (await service.status(id)).state !== 'infected'; sweeps++) {
      assert.ok(sweeps < 20);
      assert.ok((await service.sweeper('/sweep')).ok);
    }
    env = {
      PATH: `${folder}:${process.env['PATH']}`,
      HOME: folder,
      CURL_HOME: folder,
      FILE_ID: id,
      DIGEST: sha256,
      OWNER: 'my-project/europe-north1/fileshare',
      FILESHARE_URL: service.url,
      FILESHARE_TOKEN: await service.platform.token(OWNER, ['read', 'write', 'admin']),
    };
  });

  after(() => rm(folder, { recursive: true }));

  /** The command as an operator pastes it, with values in place of names. */
  const filledIn = (command: string): string =>
    command
      .replaceAll('https://SWEEPER-URL', service.platform.sweeperUrl)
      .replaceAll('https://HOST', service.url)
      .replaceAll(/https:\/\/monitoring\.googleapis\.com\/\S+/g, `${service.url}/local/metrics`)
      .replaceAll('"fileId": "…"', `"fileId": "${id}"`)
      .replaceAll('"signature": "NAME"', '"signature": "Operator.Condemned"')
      .replaceAll('quarantine-rescan NAME', 'quarantine-rescan sha256/DIGEST')
      .replaceAll(/(?<!\$)\bDIGEST\b/g, sha256)
      .replaceAll(/\bID$/g, id)
      .replaceAll(/\bJOB$/g, JOB);

  it('are found', () => {
    assert.ok(COMMANDS.length > 20, String(COMMANDS.length));
    const unused = OUTPUTS.filter(([part]) => !COMMANDS.some((command) => command.includes(part)));
    assert.deepEqual(unused, []);
  });

  for (const command of COMMANDS) {
    it(`do what they say: ${command.replaceAll(/ -H (["']).*?\1/g, '')}`, async () => {
      const [, output = /(?:)/] = OUTPUTS.find(([part]) => command.includes(part)) ?? [];
      const refused = command.includes('https://HOST/');
      const text = [...EXPORTS, command].map(filledIn).join('\n');
      const { stdout, code = 0 } = (await promisify(execFile)('bash', ['-c', text], {
        cwd: folder,
        env,
      }).catch((error: { stdout: string; stderr: string; code: number }) => {
        if (!refused) assert.fail(`${error.code} ${error.stdout} ${error.stderr}`);
        return error;
      })) as { stdout: string; code?: number };
      assert.equal(code, refused ? 22 : 0);
      assert.match(stdout, output);
    });
  }
});
