import { noticeAt, pauseAt } from '../../../shared/deployment/state.ts';
import { unavailable } from '../../../shared/http/problems.ts';
import { PUBLIC, sendJson } from '../../../shared/http/respond.ts';
import type { Files } from '../files.ts';
import type { Route } from '../router.ts';

/** Whether new uploads are taken, and what the operators tell users, for everybody. The operators themselves are not named. */
export function getNotice({ deployment, now }: Pick<Files, 'deployment' | 'now'>): Route {
  return async ({ response }) => {
    await deployment.refresh();
    const { state } = deployment;
    if (!state) throw unavailable('The state of the service cannot be read. Try again.');
    const pause = pauseAt(state, now());
    const notice = noticeAt(state, now());
    const body = {
      intake: pause ? { state: 'paused', reason: pause.reason, until: pause.until } : { state: 'open' },
      ...(notice && { notice: { text: notice.text, level: notice.level, until: notice.until } }),
    };
    sendJson(response, 200, 'application/json', body, { ...PUBLIC, 'cache-control': 'public, max-age=30' });
  };
}
