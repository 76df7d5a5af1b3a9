/**
 * `main` of package.json: where Google's buildpack finds the functions when it builds the repository from source, after
 * `npm run gcp-build`. All are one source; the one that FUNCTION_TARGET names is loaded, and reads its settings.
 * https://cloud.google.com/docs/buildpacks/service-specific-configs#google_function_target
 */
/** Where each is in `bundled/functions`. Rescanner, auditor and exporter are further services of another function's code. */
const FUNCTIONS = {
  upload: 'upload',
  files: 'files',
  scanner: 'scanner',
  rescanner: 'scanner/rescanner',
  sweeper: 'sweeper',
  auditor: 'sweeper/auditor',
  exporter: 'sweeper/exporter',
  notify: 'notify',
};
const target = process.env.FUNCTION_TARGET ?? '';

if (!Object.hasOwn(FUNCTIONS, target)) {
  const known = Object.keys(FUNCTIONS).join(', ');
  throw new Error(`FUNCTION_TARGET should be one of ${known}; it is "${target}"`);
}
await import(`../../bundled/functions/${FUNCTIONS[target]}/index.mjs`);
