/**
 * `main` of package.json: where Google's buildpack finds the functions when it builds the repository from source, after
 * `npm run gcp-build`. All five are one source; the one that FUNCTION_TARGET names is loaded, and reads its settings.
 * https://cloud.google.com/docs/buildpacks/service-specific-configs#google_function_target
 */
const FUNCTIONS = ['upload', 'files', 'scanner', 'sweeper', 'notify'];
const target = process.env.FUNCTION_TARGET ?? '';

if (!FUNCTIONS.includes(target)) {
  throw new Error(`FUNCTION_TARGET should be one of ${FUNCTIONS.join(', ')}; it is "${target}"`);
}
await import(`../../bundled/functions/${target}/index.mjs`);
