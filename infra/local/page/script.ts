import { join } from 'node:path';

const FOLDER = join(import.meta.dirname, 'browser');

const bundled = new Map<string, Promise<string>>();

/** A script of the page, with all that it imports: bundled when a browser first asks, so that no start waits for it. */
export function pageScript(entry: string): Promise<string> {
  const known = bundled.get(entry);
  if (known) return known;
  const script = bundle(join(FOLDER, entry));
  bundled.set(entry, script);
  script.catch(() => bundled.delete(entry));
  return script;
}

async function bundle(path: string): Promise<string> {
  const { build } = await import('esbuild');
  const { outputFiles } = await build({
    entryPoints: [path],
    bundle: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    charset: 'utf8',
    write: false,
    logLevel: 'silent',
    minify: true,
  });
  return outputFiles[0]?.text ?? '';
}
