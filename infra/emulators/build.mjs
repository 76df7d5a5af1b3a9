/**
 * Compiles the package of the current folder to dist/, with what it uses of common/ and the repository's TypeScript: what
 * `npm pack` packs, since Node strips no types of what is installed.
 */
import { spawnSync } from 'node:child_process';
import { chmodSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';

const tsc = join(import.meta.dirname, '../../node_modules/typescript/bin/tsc');
rmSync('dist', { recursive: true, force: true });
const { status } = spawnSync(process.execPath, [tsc, '-p', '.'], { stdio: ['ignore', 2, 2] });
const { bin } = JSON.parse(readFileSync('package.json', 'utf8'));
if (status === 0) for (const command of Object.values(bin)) chmodSync(command, 0o755);
process.exitCode = status ?? 1;
