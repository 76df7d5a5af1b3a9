/**
 * `npm run --silent token -- --principal org:889640782 --scope write`, or shorter `org:889640782 write`: prints a
 * token of the development issuer. `-- --emulators` prints an access token for the emulators of Cloud Storage and Pub/Sub, of
 * an account that may do everything.
 */
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { createIssuer, parseExpiry, parseScopes, USUAL_SCOPES } from '../issuer/issuer.ts';
import { folderHolder } from '../platform/folder-lock.ts';
import { HOST } from '../processes/addresses.ts';
import { readPlatformConfig } from '../processes/config.ts';
import { emailOf, localTokens } from '../processes/identity.ts';

const USAGE =
  'Usage: npm run --silent token -- --principal org:889640782 [--scope read] [--scope write] [--scope admin] ' +
  '[--group nurses]... [--expires SECONDS], or: -- --emulators';

try {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      principal: { type: 'string' },
      scope: { type: 'string', multiple: true, default: [] },
      group: { type: 'string', multiple: true, default: [] },
      emulators: { type: 'boolean', default: false },
      expires: { type: 'string', default: '3600' },
    },
  });
  const { data, port } = readPlatformConfig(process.env, resolve(import.meta.dirname, '../../..'));
  if (values.emulators) {
    console.log(await localTokens(data).access(emailOf('administrator')));
    process.exit();
  }
  const [principal, ...words] = values.principal ? [values.principal, ...positionals] : positionals;
  const asked = [...values.scope, ...words];
  const scopes = parseScopes((asked.length > 0 ? asked : USUAL_SCOPES).join(' '));
  const expiresInSeconds = parseExpiry(values.expires);
  if (!principal || !scopes || expiresInSeconds === undefined) throw new Error(USAGE);
  const issuer = await createIssuer(data, folderHolder(data)?.url ?? `http://${HOST}:${port}`);
  console.log(await issuer.token(principal, scopes, { groups: values.group, expiresInSeconds }));
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
