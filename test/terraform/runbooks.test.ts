import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  commandsOf,
  gcloudIn,
  OPERATORS_PAGES,
  PARSED,
  programOf,
  RUN,
  RUNBOOKS,
} from './runbook-commands.ts';
import { MODULE, ROOT } from './tools.ts';

const SECTIONS = ['Impact', 'First look', 'Likely causes', 'Put it right', 'Verify', 'Escalate'];
const module = globSync('*.tf', { cwd: MODULE })
  .map((file) => readFileSync(join(MODULE, file), 'utf8'))
  .join('\n');
const alerts = [...module.matchAll(/^ +([a-z-]+) += \{ severity = "/gm)].map(([, name = '']) => name);
/** The answer of gcloud's linter about one command. */
interface Result {
  readonly command_string: string;
  readonly success: boolean;
  readonly error_message: string | null;
}

describe('runbooks', () => {
  it('are there for each alert, and for no other', () => {
    assert.ok(alerts.length > 25, 'alerts are not found');
    assert.deepEqual([...RUNBOOKS.keys()].sort(), [...alerts].sort());
  });

  it('are all in the index', () => {
    const index = readFileSync(join(ROOT, 'docs/runbooks/README.md'), 'utf8');
    const linked = [...index.matchAll(/\]\(([a-z-]+)\.md\)/g)].map(([, name]) => name);
    assert.deepEqual(linked, [...alerts].sort());
  });

  it('are what the documentation of each alert leads to', () => {
    const policies = module.split('resource "google_monitoring_alert_policy"').slice(1);
    assert.equal(policies.length, 3);
    for (const policy of policies)
      assert.match(policy, /content +=.*\$\{format\(local\.runbook, each\.key\)\}/);
    assert.match(module, /runbook = .*docs\/runbooks\/%s\.md.*var\.runbook_base_url.*\/%s\.md/);
  });

  const source = globSync(['{functions,shared}/**/*.ts', 'infra/clamav/*.sh'], { cwd: ROOT })
    .map((path) => readFileSync(join(ROOT, path), 'utf8'))
    .join('\n');
  for (const [name, page] of RUNBOOKS)
    it(`have one short shape, three commands first, and real messages: ${name}`, () => {
      assert.ok(page.startsWith(`# ${name}\n`));
      assert.ok(page.split('\n').length <= 45);
      assert.deepEqual(
        [...page.matchAll(/^## (.*)$/gm)].map(([, title]) => title),
        SECTIONS,
      );
      const [, block = ''] = /^```sh\n(.*?)^```$/ms.exec(page) ?? [];
      assert.equal(block.trim().split('\n').length, 3);
      for (const [, message = ''] of page.matchAll(/jsonPayload\.message="([^"]+)"/g))
        assert.ok(source.includes(`'${message}'`), `no function says "${message}"`);
      // A title may end in a number of the deployment.
      for (const [, title = ''] of page.matchAll(/chart \*([^*…]+)/g))
        assert.ok(module.includes(`"${title}`), `the dashboard has no chart "${title}"`);
    });

  it('have no command that is neither parsed nor run by a test', () => {
    const commands = OPERATORS_PAGES.flatMap(commandsOf);
    assert.ok(commands.length > 150, String(commands.length));
    const others = commands.filter((command) => ![...PARSED, ...RUN].includes(programOf(command)));
    assert.deepEqual(others, []);
  });

  it('have commands that the parser of gcloud accepts', function () {
    if (spawnSync('gcloud', ['--version']).error) {
      console.warn('    SKIPPED: gcloud is not installed');
      this.skip();
    }
    this.timeout(300_000);
    const commands = [...new Set(OPERATORS_PAGES.flatMap(commandsOf).flatMap(gcloudIn))].map((command) =>
      command
        .replaceAll('$PROJECT', 'my-project')
        .replaceAll('$REGION', 'europe-north1')
        .replaceAll('$NOTIFY_URL', 'https://notify.example.org')
        .replace(/\$(NAME|DIGEST|FILE_ID)/g, 'fileshare'),
    );
    const folder = mkdtempSync(join(tmpdir(), 'fileshare-gcloud-'));
    try {
      const file = join(folder, 'commands.json');
      const bad = 'gcloud run services describe fileshare --no-such-flag';
      writeFileSync(file, JSON.stringify([...commands, bad].map((command_string) => ({ command_string }))));
      const stdout = execFileSync('gcloud', ['meta', 'lint-gcloud-commands', `--commands-file=${file}`], {
        encoding: 'utf8',
        maxBuffer: 2 ** 28,
        env: { ...process.env, CLOUDSDK_CONFIG: folder },
      });
      const results = JSON.parse(stdout) as Result[];
      assert.equal(results.length, commands.length + 1);
      assert.deepEqual(
        results.filter(({ success }) => !success).map(({ command_string }) => command_string),
        [bad],
        JSON.stringify(results.filter(({ success }) => !success).map(({ error_message }) => error_message)),
      );
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
