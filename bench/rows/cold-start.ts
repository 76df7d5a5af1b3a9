import { execFileSync } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ChildSpec } from '../../infra/local/processes/child.ts';
import type { Bench, Row } from '../bench.ts';
import { type Finding, figure } from '../finding.ts';
import { imageBytes, packageBytes } from '../image-size.ts';
import { MIB } from '../scale.ts';
import { sideBySide } from '../side-by-side.ts';
import type { FunctionName } from '../stage/stage.ts';
import { type Start, coldStart as start } from '../stage/start-function.ts';
import { median, pairedRatio } from '../stats.ts';

export const coldStart: Row = { name: 'cold-start', title: 'Cold start', measure };

const NAMES = ['upload', 'files', 'scanner', 'sweeper'] as const satisfies readonly FunctionName[];
const FRAMEWORK = '@google-cloud/functions-framework';
const PROJECT = new URL('../..', import.meta.url);
const COUNTER = new URL('../stage/count-modules.ts', import.meta.url);
const HELLO = fileURLToPath(new URL('../baseline/hello.mjs', import.meta.url));
const HELLO_LIBRARIES = fileURLToPath(new URL('../baseline/hello-libraries.mjs', import.meta.url));
/** Those of the upload function: what is fixed for this product, and what stands in for our code. */
const LIBRARIES = [
  'gaxios',
  'jose',
  'pino',
  'valibot',
  '@node-rs/crc32',
  'structured-headers',
  'content-type',
  'content-disposition',
];

type Started = FunctionName | 'hello' | 'libraries' | 'traced';

async function measure({ scale, still, folder }: Bench): Promise<readonly Finding[]> {
  const stage = await still();
  const hello = helloSpec(stage.spec('upload'), HELLO);
  const withLibraries = helloSpec(stage.spec('upload'), HELLO_LIBRARIES);
  const libraries = { ...withLibraries, env: { ...withLibraries.env, LIBRARIES: LIBRARIES.join(' ') } };
  const upload = bundled(stage.spec('upload'));
  const specs: Readonly<Record<Started, ChildSpec>> = {
    hello,
    libraries,
    upload,
    traced: { ...upload, env: { ...upload.env, OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:4318' } },
    files: bundled(stage.spec('files')),
    scanner: bundled(stage.spec('scanner')),
    sweeper: bundled(stage.spec('sweeper')),
  };
  const names = ['hello', 'libraries', 'traced', ...NAMES] as const;
  const contenders = Object.fromEntries(
    names.map((name) => [name, () => start(startOf(specs[name]))]),
  ) as Readonly<Record<Started, () => Promise<number>>>;
  // It fills the caches of compiled code too, as an image has them filled.
  const modules = new Map<string, number>();
  for (const name of names) modules.set(name, await modulesOf(specs[name], join(folder, `${name}.modules`)));
  const taken = await sideBySide(contenders, scale.coldStart);
  const helloBytes = packageBytes([FRAMEWORK]);
  const findings = NAMES.map((name) => ({
    what: `Cold start of ${name}: spawn to first answer`,
    against: "functions-framework's hello world",
    target: { atMost: 1.5 },
    value: pairedRatio(taken[name], taken.hello),
    unit: '×',
    detail:
      `${figure(median(taken[name]))} ms beside ${figure(median(taken.hello))} ms; ${modules.get(name)} modules beside ` +
      `${modules.get('hello')}; ${figure(imageBytes(name) / MIB)} MiB over the base image beside ` +
      `${figure(helloBytes / MIB)}`,
    limit:
      `The hello world with ${LIBRARIES.length} libraries that an upload needs and nothing else takes ` +
      `${figure(median(taken.libraries))} ms, with ${modules.get('libraries')} modules; we take ` +
      `${figure(pairedRatio(taken[name], taken.libraries))} of that.`,
  }));
  const exporting: Finding = {
    what: 'Cold start of upload that exports spans',
    against: 'the same without',
    value: pairedRatio(taken.traced, taken.upload),
    unit: '×',
    detail:
      `${figure(median(taken.traced))} ms beside ${figure(median(taken.upload))} ms; ${modules.get('traced')} modules beside ` +
      `${modules.get('upload')}: without an endpoint nothing of OpenTelemetry is loaded`,
  };
  return [...findings, exporting];
}

/** The function bundled as in its image: infra/images/Dockerfile. */
function bundled(spec: ChildSpec): ChildSpec {
  execFileSync(process.execPath, ['infra/images/bundle.mjs', spec.name], { cwd: PROJECT });
  const source = `--source=bundled/functions/${spec.name}/index.mjs`;
  return { ...spec, args: spec.args.map((arg) => (arg.startsWith('--source=') ? source : arg)) };
}

/** The smallest function there is, with the same options for Node and its own cache. */
function helloSpec(spec: ChildSpec, source: string): ChildSpec {
  const [command = ''] = spec.args;
  const { PATH = '', NODE_OPTIONS = '', NODE_COMPILE_CACHE = '' } = spec.env;
  const cache = join(dirname(NODE_COMPILE_CACHE), 'cache-of-hello');
  return {
    name: 'hello',
    args: [command, '--target=hello', `--source=${source}`, '--port=0'],
    env: { PATH, NODE_OPTIONS, NODE_COMPILE_CACHE: cache, MALLOC_ARENA_MAX: '1' },
  };
}

async function modulesOf(spec: ChildSpec, report: string): Promise<number> {
  const options = `${spec.env['NODE_OPTIONS'] ?? ''} --import=${COUNTER}`;
  await start({ ...startOf(spec), env: { ...spec.env, NODE_OPTIONS: options, MODULES_REPORT: report } });
  const count = Number(readFileSync(report, 'utf8'));
  rmSync(report);
  return count;
}

function startOf({ args, env }: ChildSpec): Start {
  return { args, env, cwd: PROJECT };
}
