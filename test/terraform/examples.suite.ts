import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { amputations } from './amputations.ts';
import { findingsOf } from './checks.ts';
import {
  apply,
  containersOf,
  type Deployment,
  EXAMPLES,
  type Example,
  envOf,
  ofType,
  secretsOf,
} from './deployment.ts';
import { FUNCTIONS, OF_COMPLETE, sourceOf } from './environment.ts';
import { grantTable } from './grants.ts';
import { textAt } from './json.ts';
import { localDeployment } from './local-deployment.ts';
import { withTable } from './tables.ts';
import { findTool, MODULE, ROOT } from './tools.ts';

describe('terraform', () => {
  const tfcheck = findTool('TFCHECK');
  const applications = new Map<Example, Deployment>();

  it('the module: fmt, validate and its own tests', function () {
    if (!tfcheck) return this.skip();
    // Each run of its tests plans the whole module.
    this.timeout(900_000);
    const output = execFileSync(tfcheck, [MODULE, '--only', 'fmt,init,validate,test'], { encoding: 'utf8' });
    assert.match(output, /ok {3}test/);
  });

  for (const example of EXAMPLES) {
    describe(`example ${example}`, () => {
      let deployment: Deployment;

      before(async function () {
        if (!tfcheck) return this.skip();
        const applied = await apply(tfcheck, example);
        console.log(applied.output.replaceAll(/^/gm, '      ').trimEnd());
        assert.ok(applied.deployment, applied.output);
        assert.match(applied.output, /ok {3}replan[\s\S]*ok {3}destroy/);
        deployment = applied.deployment;
        applications.set(example, deployment);
      });

      it('has nothing wrong with it', () => {
        assert.deepEqual(findingsOf(deployment), []);
      });

      for (const name of FUNCTIONS) {
        it(`starts ${name} with the environment that it gives it`, function () {
          const container = containersOf(deployment).find((candidate) => candidate.name === name);
          // Callbacks are off by default.
          if (!container && OF_COMPLETE.has(name) && example !== 'complete') return this.skip();
          assert.ok(container);
          const script = `await import('./${sourceOf(name)}'); process.exit(0)`;
          const env = { PATH: process.env['PATH'], ...envOf(container), ...secretsOf(container) };
          execFileSync(process.execPath, ['--input-type=module', '-e', script], {
            cwd: ROOT,
            env,
            stdio: 'pipe',
          });
        });
      }

      it('has a dashboard that Cloud Monitoring understands', function () {
        const lint = findTool('GCLOUD_LINT');
        if (!lint) return this.skip();
        const [dashboard] = ofType(deployment, 'google_monitoring_dashboard');
        const folder = mkdtempSync(join(tmpdir(), 'fileshare-dashboard-'));
        try {
          const file = join(folder, 'dashboard.json');
          writeFileSync(file, textAt(dashboard?.values, 'dashboard_json'));
          execFileSync(lint, ['message', 'monitoring', 'v1', 'Dashboard', file], { stdio: 'pipe' });
        } catch (error) {
          // Its exit code where there is no gcloud.
          if ((error as { status?: number }).status !== 3) throw error;
          console.log('    SKIPPED: gcloud is not installed');
          this.skip();
        } finally {
          rmSync(folder, { recursive: true });
        }
      });

      if (example === 'complete') {
        it('is, with a minimal one, what infra/local/deployment.json says (UPDATE_TABLES=1 writes it)', function () {
          const minimal = applications.get('minimal');
          if (!minimal) return this.skip();
          const path = join(ROOT, 'infra/local/deployment.json');
          const current = localDeployment(minimal, deployment);
          if (process.env['UPDATE_TABLES']) writeFileSync(path, current);
          else assert.equal(readFileSync(path, 'utf8'), current);
        });
      }

      if (example === 'complete') {
        it('is what docs/topology.md says (UPDATE_TABLES=1 writes it)', () => {
          const path = join(ROOT, 'docs/topology.md');
          const page = readFileSync(path, 'utf8');
          const current = withTable(page, 'grants', grantTable(deployment));
          if (process.env['UPDATE_TABLES']) writeFileSync(path, current);
          else assert.equal(page, current);
        });

        it('would be wrong without any one of its grants, dead letters and probes', () => {
          const all = amputations(deployment);
          const count = (pattern: RegExp): number => all.filter(({ what }) => pattern.test(what)).length;
          assert.ok(count(/_iam_member\./) > 40 && count(/^dead_letter/) === 5 && count(/probe of/) === 18);
          const unnoticed = all.filter((amputation) => findingsOf(amputation.deployment).length === 0);
          assert.deepEqual(
            unnoticed.map(({ what }) => what),
            [],
          );
        });
      }
    });
  }
});
