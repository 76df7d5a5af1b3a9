/** Compiles src/ to dist/ with the repository's TypeScript: what `npm pack` packs. */
import { spawnSync } from 'node:child_process';
import { chmodSync, rmSync } from 'node:fs';
import { join } from 'node:path';

const here = import.meta.dirname;
const tsc = join(here, '../node_modules/typescript/bin/tsc');
rmSync(join(here, 'dist'), { recursive: true, force: true });
const { status } = spawnSync(process.execPath, [tsc, '-p', here], { stdio: ['ignore', 2, 2] });
if (status === 0) chmodSync(join(here, 'dist/cli/main.js'), 0o755);
process.exitCode = status ?? 1;
