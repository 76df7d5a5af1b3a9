import { globSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { ROOT } from './tools.ts';

/** The runbook of each alert, by its name. */
export const RUNBOOKS: ReadonlyMap<string, string> = new Map(
  globSync('docs/runbooks/*.md', { cwd: ROOT, exclude: ['**/README.md'] })
    .sort()
    .map((path) => [basename(path, '.md'), readFileSync(join(ROOT, path), 'utf8')]),
);

/** Pages with commands for operators: what all runbooks need first, what they refer to, and the runbooks. */
export const OPERATORS_PAGES: readonly string[] = [
  ...['docs/runbooks/README.md', 'docs/operations.md'].map((path) => readFileSync(join(ROOT, path), 'utf8')),
  ...RUNBOOKS.values(),
];

/** The programs of the commands, and how each is tried: by the parser of gcloud, or against the local platform. */
export const PARSED = ['gcloud'];
export const RUN = ['curl', 'export', 'fileshare'];

export const programOf = (command: string): string => /^[\w./-]+/.exec(command)?.[0] ?? '';

const INLINE = /(?<=`)(?:gcloud|curl|fileshare) [^`…]*(?=`)/g;

/** The commands of a page in their order: those of its blocks, in one line each, and those within its sentences. */
export function commandsOf(page: string): readonly string[] {
  return page.split(/^( *```\w*\n[\s\S]*?^ *```)$/m).flatMap((part) => {
    const [, language, block = ''] = /^ *```(\w*)\n([\s\S]*)^ *```$/m.exec(part) ?? [];
    if (language === undefined) return [...part.matchAll(INLINE)].map(([command]) => command);
    if (language !== 'sh') return [];
    const lines = block.replaceAll(/ *\\\n */g, ' ').split('\n');
    return lines.map((line) => line.trim()).filter((line) => line !== '');
  });
}

/** The commands of gcloud in a command: itself, without what it is piped into, and those in its `$()`. */
export function gcloudIn(command: string): readonly string[] {
  const inner = [...command.matchAll(/\$\((gcloud [^)]*)\)/g)].map(([, one = '']) => one);
  return programOf(command) === 'gcloud' ? [command.replace(/ \| .*$/, ''), ...inner] : inner;
}
