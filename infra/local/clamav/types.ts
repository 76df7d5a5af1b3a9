import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';

/** A line of a file of types (`.ftm`), which is also how the table that is built into libclamav is written. */
const TYPE_LINE = /^[014]:[^:]+:[^:]+:[^:]*:CL_TYPE_[A-Z0-9_]+:CL_TYPE_[A-Z0-9_]+(?::[0-9]*){0,2}$/;

/**
 * The table of types that is built into the libclamav of `clamd`, without those that ClamAV would not look into. As
 * `built_in_types` in infra/clamav/rules.sh, which says what for; a test holds the two together.
 *
 * @param clamd path of the program
 * @throws if there is no such table in it or in what it is linked with
 */
export async function builtInTypes(clamd: string): Promise<string> {
  const { stdout } = await promisify(execFile)('ldd', [clamd]).catch(() => ({ stdout: '' }));
  const libraries = stdout.match(/\/\S*libclamav\S*/g) ?? [];
  const lines: string[] = [];
  for (const file of [clamd, ...libraries]) lines.push(...typeLines(await readFile(file)));
  if (lines.length < 200) throw new Error(`the file types that are built into ${clamd} cannot be read`);
  return lines.map((line) => `${line}\n`).join('');
}

/** The strings of a program that are such lines. Only those around a match are looked at: a library has megabytes. */
function* typeLines(program: Buffer): Generator<string> {
  for (let at = program.indexOf(':CL_TYPE_'); at !== -1; ) {
    const end = program.indexOf(0, at);
    const line = program.toString('latin1', program.lastIndexOf(0, at) + 1, end);
    if (TYPE_LINE.test(line) && !line.endsWith(':CL_TYPE_IGNORED')) yield line;
    at = program.indexOf(':CL_TYPE_', end);
  }
}
