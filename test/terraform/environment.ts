import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { MODULE, ROOT } from './tools.ts';

export const FUNCTIONS = [
  'upload',
  'files',
  'scanner',
  'rescanner',
  'sweeper',
  'auditor',
  'exporter',
  'notify',
] as const;
export type FunctionName = (typeof FUNCTIONS)[number];

/** Functions that a minimal deployment lacks. */
export const OF_COMPLETE: ReadonlySet<string> = new Set<FunctionName>(['exporter', 'notify']);

/** Variables for one machine and for development; a deployment never sets them. */
const DEVELOPMENT: ReadonlySet<string> = new Set([
  'STORAGE_EMULATOR_HOST',
  'EMULATOR_CREDENTIALS',
  'ALLOW_UNDATED_SIGNATURES',
  'CALLBACK_LOOPBACK',
  // A key in the environment: on Google Cloud, IAM signs.
  'SIGNING_KEY',
]);

/** Variables that Cloud Run sets. */
const OF_CLOUD_RUN: ReadonlySet<string> = new Set(['K_SERVICE', 'K_REVISION']);

/** Variables that Node and the C library read. */
export const RUNTIME: readonly string[] = ['MALLOC_ARENA_MAX', 'NODE_OPTIONS'];

/** Second services of an image. */
const BESIDE: Readonly<Partial<Record<FunctionName, string>>> = {
  rescanner: 'scanner/rescanner',
  auditor: 'sweeper/auditor',
  exporter: 'sweeper/exporter',
};

/** The module that a service starts in. */
export function sourceOf(name: FunctionName): string {
  return `functions/${BESIDE[name] ?? name}/index.ts`;
}

/** The variables that a function reads, and whether it starts without them. */
export function variablesOf(name: FunctionName): ReadonlyMap<string, 'required' | 'optional'> {
  const file = sourceOf(name);
  const source = readFileSync(join(ROOT, file), 'utf8');
  const start = source.indexOf('readConfig(');
  if (start < 0) throw new Error(`${file} reads no configuration`);
  const [, named] = /^readConfig\((\w+),/.exec(source.slice(start)) ?? [];
  const found = entriesOf(named ? definition(named) : braced(source, source.indexOf('{', start)));
  return new Map(
    [...found].filter(([variable]) => !DEVELOPMENT.has(variable) && !OF_CLOUD_RUN.has(variable)),
  );
}

/** Keys of an object literal, and of those that it spreads. */
function entriesOf(literal: string): Map<string, 'required' | 'optional'> {
  const spread = [...literal.matchAll(/\.\.\.(\w+)/g)].flatMap(([, name = '']) => [
    ...entriesOf(definition(name)),
  ]);
  const own = [
    ...literal.matchAll(
      /\b([A-Z][A-Z0-9_]{2,}):\s*(v\.optional\(|logLevel|filesUrl|corsOrigins|deduplicationScope|abandonedAfterSeconds|blobGraceSeconds|tombstoneDays|callbackOrigins|callbackOwners)?/g,
    ),
  ].map(([, variable = '', optional]) => [variable, optional ? 'optional' : 'required'] as const);
  return new Map([...spread, ...own]);
}

function definition(name: string): string {
  for (const file of globSync('{shared,functions}/**/*.ts', { cwd: ROOT })) {
    const source = readFileSync(join(ROOT, file), 'utf8');
    const at = source.search(new RegExp(`\\bconst ${name}\\b[^=]*= \\{`));
    if (at >= 0) return braced(source, source.indexOf('{', at));
  }
  throw new Error(`no object literal ${name} is to be found: read it some other way`);
}

/** Text from an opening brace to the one that closes it. */
function braced(source: string, open: number): string {
  let depth = 0;
  for (let at = open; at < source.length; at++) {
    if (source[at] === '{') depth++;
    if (source[at] === '}' && --depth === 0) return source.slice(open, at + 1);
  }
  throw new Error('a brace is not closed');
}

/** Variables that `environment` may set, as services.tf lists it. */
export function tunableOf(name: FunctionName): readonly string[] {
  const source = readFileSync(join(MODULE, 'services.tf'), 'utf8');
  const all = braced(source, source.indexOf('{', source.indexOf('tunable = {')));
  const [, list = ''] = new RegExp(`\\b${name}\\s*=\\s*\\[([^\\]]*)\\]`).exec(all) ?? [];
  return [...list.matchAll(/"(\w+)"/g)].map(([, variable = '']) => variable);
}

/** The settings of the sidecar: those that settings.sh has defaults for. */
export function sidecarVariables(): ReadonlySet<string> {
  const source = readFileSync(join(ROOT, 'infra/clamav/settings.sh'), 'utf8');
  return new Set([...source.matchAll(/^: "\$\{(\w+):=/gm)].map(([, name = '']) => name));
}
