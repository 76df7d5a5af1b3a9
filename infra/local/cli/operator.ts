/** `eval "$(npm run --silent operator)"`: sets what `fileshare admin` needs to call the sweeper of `npm start`, for an hour. */
import { resolve } from 'node:path';
import type { PlatformStatus } from '../page/status-page.ts';
import { folderHolder } from '../platform/folder-lock.ts';
import { readPlatformConfig } from '../processes/config.ts';
import { emailOf, localTokens } from '../processes/identity.ts';

try {
  const { data } = readPlatformConfig(process.env, resolve(import.meta.dirname, '../../..'));
  const url = folderHolder(data)?.url;
  if (!url) throw new Error(`HOPS Fileshare does not run in ${data}: npm start`);
  const status = (await (await fetch(`${url}/local/status.json`)).json()) as PlatformStatus;
  const token = await localTokens(data).identity(emailOf('operator'), status.sweeperUrl);
  const metrics = await fetch(`${url}/local/token?principal=user:operator&scope=admin`);
  if (!metrics.ok) throw new Error(`There is no token for metrics: ${metrics.status}`);
  console.log(`export FILESHARE_SWEEPER_URL=${status.sweeperUrl}`);
  console.log(`export FILESHARE_OPERATOR_TOKEN=${token}`);
  console.log(`export FILESHARE_METRICS_URL=${url}/local/metrics`);
  console.log(`export FILESHARE_METRICS_TOKEN=${await metrics.text()}`);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
