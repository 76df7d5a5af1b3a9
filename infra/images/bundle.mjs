/**
 * `node bundle.mjs FUNCTION…`, where functions and shared are: writes the own code of each function to `bundled/`, in as few
 * modules as it can be, since finding and reading each costs a start (docs/adr/0014). Packages stay where they are, by their
 * names.
 */
import { build } from 'esbuild';

/** Further entries: services of the same image that are started by another target and source. */
const BESIDE = { scanner: ['scanner/rescanner'], sweeper: ['sweeper/auditor', 'sweeper/exporter'] };

// One after another: together they would share modules, at another depth than the code that reads files beside it.
const entries = process.argv
  .slice(2)
  .flatMap((name) => [name, ...(BESIDE[name] ?? [])].map((path) => `functions/${path}/index`));
for (const entry of entries) {
  await build({
    // As deep as it was: what it reads beside its code, it finds from there.
    entryPoints: [{ in: `${entry}.ts`, out: entry }],
    outdir: 'bundled',
    outExtension: { '.js': '.mjs' },
    bundle: true,
    // Modules that are loaded on first use stay so.
    splitting: true,
    packages: 'external',
    format: 'esm',
    platform: 'node',
    // The oldest that runs it: a base image of Cloud Run functions may be behind that of the images.
    target: 'node24',
    logLevel: 'warning',
  });
}
