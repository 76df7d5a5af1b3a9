/** Checks the English of every file in git. Prints each finding, and exits with 1 if there is one. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { passagesOf } from './extract.ts';
import { findingsIn } from './rules.ts';

const ROOT = join(import.meta.dirname, '../..');

const listed = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
  cwd: ROOT,
});
const files = listed
  .toString()
  .split('\0')
  .filter((file) => file !== '' && existsSync(join(ROOT, file)));
const findings = files.flatMap((file) =>
  passagesOf(file, () => readFileSync(join(ROOT, file), 'utf8')).flatMap(findingsIn),
);
for (const { file, line, rule, found } of findings) console.log(`${file}:${line}: ${rule}: ${found}`);
if (findings.length > 0) process.exitCode = 1;
