import { toHandle } from '../../../shared/files/handle.ts';
import { settled } from '../../../shared/files/settled.ts';
import { authenticate } from '../../../shared/http/authenticate.ts';
import { waitSecondsOf } from '../../../shared/http/prefer.ts';
import { sendHandle } from '../../../shared/http/respond.ts';
import type { Route } from '../../../shared/http/router.ts';
import type { Files } from '../files.ts';
import { anyoneWhoSees, findFile, ownerOrAdministrator } from '../find.ts';

export function getStatus({ tokens, records }: Files): Route {
  return async ({ request, response, signal }, id) => {
    const caller = await authenticate(tokens, request, 'read', 'admin');
    const found = await findFile(records, caller, id, anyoneWhoSees, signal);
    const wait = waitSecondsOf(request.headers['prefer']);
    const record = await settled(records, found.record, wait, signal);
    const handle = toHandle(record, { forOwner: ownerOrAdministrator(caller, record) });
    sendHandle(response, 200, handle, {
      ...(wait > 0 && { 'preference-applied': `wait=${wait}` }),
      ...(record.state === 'pending' && { 'retry-after': '1' }),
    });
  };
}
