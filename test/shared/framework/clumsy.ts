/** A function for functions-framework: `/slow` answers in a while, `/throw` and `/reject` fail where nobody catches it. */
import { setTimeout as delay } from 'node:timers/promises';
import { http } from '@google-cloud/functions-framework';
import { drainOnSignals } from '../../../shared/framework/drain.ts';
import { sendEmpty } from '../../../shared/http/respond.ts';
import { httpService } from '../../../shared/http/service.ts';
import { createLog } from '../../../shared/runtime/log.ts';

const log = createLog('clumsy', 'info');
drainOnSignals(log);
http(
  'clumsy',
  httpService({
    log,
    project: 'test',
    filesUrl: undefined,
    handler: async ({ path, response }) => {
      log.info(`asked for ${path}`);
      if (path === '/throw') setTimeout(() => fail('thrown in a timer'), 50);
      if (path === '/reject') void Promise.reject(new Error('rejected and not awaited'));
      const { domain } = process as { domain?: unknown };
      if (path === '/domain') response.setHeader('x-domain', domain ? 'some' : 'none');
      else await delay(path === '/slow' ? 500 : 60_000);
      sendEmpty(response, 204);
    },
  }),
);

function fail(why: string): void {
  throw new Error(why);
}
