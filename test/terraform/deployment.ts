import { execFile } from 'node:child_process';
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { at, listAt, textAt } from './json.ts';
import { MODULE } from './tools.ts';

const run = promisify(execFile);

export const PROJECT = 'demo-project';
const DIGEST = `sha256:${'0123456789abcdef'.repeat(4)}`;
const IMAGES = Object.fromEntries(
  ['upload', 'files', 'scanner', 'sweeper', 'notify', 'clamav'].map((name) => [
    name,
    `europe-north1-docker.pkg.dev/${PROJECT}/fileshare/${name}@${DIGEST}`,
  ]),
);
const VARIABLES = ['--var', `project_id=${PROJECT}`, '--var', `images=${JSON.stringify(IMAGES)}`];

export const EXAMPLES = ['minimal', 'complete', 'existing-buckets'] as const;
export type Example = (typeof EXAMPLES)[number];

export interface Resource {
  readonly address: string;
  readonly type: string;
  readonly name: string;
  readonly index: string | number | undefined;
  readonly values: unknown;
}

/** The deployment of an example, as terraform has it after an apply against the stub. */
export interface Deployment {
  readonly example: Example;
  readonly resources: readonly Resource[];
}

/** A file of the module as another, to see what notices. */
export type Change = (file: string, text: string) => string;

export interface Applied {
  readonly output: string;
  /** Undefined where terraform did not get that far. */
  readonly deployment: Deployment | undefined;
}

/**
 * Runs an example with the module beside it in a separate folder.
 * @param only steps; all of them by default
 */
export async function apply(
  tfcheck: string,
  example: Example,
  { change = (_, text) => text, only }: { change?: Change; only?: string } = {},
): Promise<Applied> {
  const folder = await mkdtemp(join(tmpdir(), 'fileshare-terraform-'));
  try {
    await stage(join(folder, 'config'), example, change);
    const json = join(folder, 'state.json');
    const args = [join(folder, 'config'), ...VARIABLES, '--json', json, ...(only ? ['--only', only] : [])];
    const { stdout, failed } = await run(tfcheck, args, { maxBuffer: 2 ** 26 }).then(
      (done) => ({ ...done, failed: false }),
      (error: { stdout?: string }) => ({ stdout: error.stdout ?? String(error), failed: true }),
    );
    if (failed) return { output: stdout, deployment: undefined };
    const state: unknown = JSON.parse(await readFile(json, 'utf8'));
    return {
      output: stdout,
      deployment: { example, resources: resourcesOf(at(state, 'values', 'root_module')) },
    };
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function stage(config: string, example: Example, change: Change): Promise<void> {
  await cp(join(MODULE, 'examples', example), config, { recursive: true });
  const main = join(config, 'main.tf');
  await writeFile(main, (await readFile(main, 'utf8')).replaceAll('"../.."', '"./module"'));
  for (const file of await readdir(MODULE, { withFileTypes: true })) {
    if (!file.isFile() || !/\.(tf|proto)$/.test(file.name)) continue;
    const target = join(config, 'module', file.name);
    await cp(join(MODULE, file.name), target);
    const text = await readFile(target, 'utf8');
    const changed = change(file.name, text);
    if (changed !== text) await writeFile(target, changed);
  }
}

function resourcesOf(module: unknown): Resource[] {
  const own = listAt(module, 'resources')
    .filter((resource) => textAt(resource, 'mode') === 'managed')
    .map((resource): Resource => {
      const index = at(resource, 'index');
      return {
        address: textAt(resource, 'address'),
        type: textAt(resource, 'type'),
        name: textAt(resource, 'name'),
        index: typeof index === 'string' || typeof index === 'number' ? index : undefined,
        values: at(resource, 'values'),
      };
    });
  return [...own, ...listAt(module, 'child_modules').flatMap(resourcesOf)];
}

export function ofType({ resources }: Deployment, type: string): readonly Resource[] {
  return resources.filter((resource) => resource.type === type);
}

/** A container of a Cloud Run service or job, and the service or job. */
export interface Container {
  readonly owner: string;
  readonly name: string;
  readonly values: unknown;
  readonly isService: boolean;
}

export function containersOf(deployment: Deployment): readonly Container[] {
  const each = (type: string, isService: boolean, ...path: readonly (string | number)[]) =>
    ofType(deployment, type).flatMap(({ values }) =>
      listAt(values, ...path, 'containers').map((container) => ({
        owner: textAt(values, 'name'),
        name: textAt(container, 'name'),
        values: container,
        isService,
      })),
    );
  return [
    ...each('google_cloud_run_v2_service', true, 'template', 0),
    ...each('google_cloud_run_v2_job', false, 'template', 0, 'template', 0),
  ];
}

/** The variables that come from Secret Manager, with values that a function starts with. */
export function secretsOf(container: Container): Record<string, string> {
  const secret = `whsec_${Buffer.alloc(32).toString('base64')}`;
  return Object.fromEntries(
    listAt(container.values, 'env')
      .filter((entry) => listAt(entry, 'value_source').length > 0)
      .map((entry) => [textAt(entry, 'name'), secret]),
  );
}

export function envOf(container: Container): Record<string, string> {
  return Object.fromEntries(
    listAt(container.values, 'env').map((entry) => [textAt(entry, 'name'), textAt(entry, 'value')]),
  );
}
