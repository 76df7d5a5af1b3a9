/** `npm run redrive -- FILE_ID` or `-- --all`: sends files that failed to the scanner again. */
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import type { PlatformStatus } from '../page/status-page.ts';
import { folderHolder } from '../platform/folder-lock.ts';
import { readPlatformConfig } from '../processes/config.ts';
import { emailOf, localTokens } from '../processes/identity.ts';

const USAGE = 'Usage: npm run redrive -- FILE_ID, or: npm run redrive -- --all';

try {
  const { values, positionals } = parseArgs({
    options: { all: { type: 'boolean', default: false } },
    allowPositionals: true,
  });
  const [fileId, ...more] = positionals;
  if (more.length > 0 || (fileId === undefined) !== values.all) throw new Error(USAGE);
  const { data } = readPlatformConfig(process.env, resolve(import.meta.dirname, '../../..'));
  const url = folderHolder(data)?.url;
  if (!url) throw new Error(`HOPS Fileshare does not run in ${data}: npm start`);
  const status = (await (await fetch(`${url}/local/status.json`)).json()) as PlatformStatus;
  const token = await localTokens(data).identity(emailOf('operator'), status.sweeperUrl);
  const response = await fetch(`${status.sweeperUrl}/redrive`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
    body: JSON.stringify(values.all ? { state: 'failed' } : { fileId }),
  });
  if (!response.ok) throw new Error(`${response.status}: ${await response.text()}`);
  process.stdout.write(await response.text());
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
