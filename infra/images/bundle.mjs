/**
 * `node bundle.mjs FUNCTION…`, where functions and shared are: writes the own code of each function to `bundled/`, in as few
 * modules as it can be, since finding and reading each costs a start (docs/adr/0014). Packages stay where they are, by their
 * names.
 */
import { build } from 'esbuild';

// One after another: together they would share modules, at another depth than the code that reads files beside it.
for (const name of process.argv.slice(2)) {
  await build({
    // As deep as it was: what it reads beside its code, it finds from there.
    entryPoints: [{ in: `functions/${name}/index.ts`, out: `functions/${name}/index` }],
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
