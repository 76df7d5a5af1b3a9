/** `npm run --silent token -- --principal org:889640782 --scope write`: prints a token of the development issuer. */
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { readPlatformConfig } from './config.ts';
import { folderHolder } from './folder-lock.ts';
import { createIssuer, parseScopes } from './issuer.ts';
import { HOST } from './processes.ts';

const USAGE =
  'Usage: npm run --silent token -- --principal org:889640782 [--scope read] [--scope write] [--scope admin]';

try {
  const { values } = parseArgs({
    options: { principal: { type: 'string' }, scope: { type: 'string', multiple: true } },
  });
  const scopes = parseScopes((values.scope ?? ['read', 'write']).join(' '));
  if (!values.principal || !scopes) throw new Error(USAGE);
  const { data, port } = readPlatformConfig(process.env, resolve(import.meta.dirname, '../..'));
  const issuer = await createIssuer(data, folderHolder(data)?.url ?? `http://${HOST}:${port}`);
  console.log(await issuer.token(values.principal, scopes));
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
