/** Checks the English of every file of the project. Prints each finding, and exits with 1 if there is one. */
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { passagesOf } from './extract.ts';
import { findingsIn } from './rules.ts';

const ROOT = join(import.meta.dirname, '../..');

/** Folders that git ignores, and `.git`, by name. Asking git instead would fail in a copy of the files alone. */
const IGNORED = new Set([
  ...['node_modules', '.git', '.local', '.site', '.terraform'],
  ...['bundled', 'coverage', 'dist', 'test-results', 'reports'],
]);

/** A star does not match names that begin with a dot. */
const PATTERNS = ['**/*', '.{changeset,ci,github}/**', 'docs/.vitepress/**'];

const files = globSync(PATTERNS, {
  cwd: ROOT,
  exclude: (entry) => IGNORED.has(entry.name),
  withFileTypes: true,
})
  .filter((entry) => entry.isFile())
  .map((entry) => join(entry.parentPath, entry.name).slice(ROOT.length + 1));
const findings = files.flatMap((file) =>
  passagesOf(file, () => readFileSync(join(ROOT, file), 'utf8')).flatMap(findingsIn),
);
for (const { file, line, rule, found } of findings) console.log(`${file}:${line}: ${rule}: ${found}`);
if (findings.length > 0) process.exitCode = 1;
