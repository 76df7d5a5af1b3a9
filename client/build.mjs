/** Compiles src/ to dist/ with the repository's TypeScript, and writes the manual page: what `npm pack` packs. */
import { spawnSync } from 'node:child_process';
import { chmodSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const here = import.meta.dirname;
const tsc = join(here, '../node_modules/typescript/bin/tsc');
rmSync(join(here, 'dist'), { recursive: true, force: true });
const { status } = spawnSync(process.execPath, [tsc, '-p', here], { stdio: ['ignore', 2, 2] });
if (status === 0) {
  chmodSync(join(here, 'dist/cli/main.js'), 0o755);
  const { createProgram } = await import('./dist/cli/program.js');
  const { manualOf } = await import('./dist/cli/manual.js');
  writeFileSync(join(here, 'dist/fileshare.1'), manualOf(createProgram({ env: {}, json: false })));
}
process.exitCode = status ?? 1;
