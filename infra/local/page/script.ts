import { join } from 'node:path';

const ENTRY = join(import.meta.dirname, 'browser/main.ts');

let bundled: Promise<string> | undefined;

/** The page's script with the client in it: bundled when a browser first asks, so that no start waits for it. */
export function pageScript(): Promise<string> {
  bundled ??= bundle().catch((error: unknown) => {
    bundled = undefined;
    throw error;
  });
  return bundled;
}

async function bundle(): Promise<string> {
  const { build } = await import('esbuild');
  const { outputFiles } = await build({
    entryPoints: [ENTRY],
    bundle: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    charset: 'utf8',
    write: false,
    logLevel: 'silent',
  });
  return outputFiles[0]?.text ?? '';
}
