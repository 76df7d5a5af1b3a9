import type { Handle } from '../../handle.ts';
import { jsonOf } from './answer.ts';
import type { Caller } from './caller.ts';
import type { Check, Run } from './check.ts';
import { NotHeld } from './not-held.ts';

/** Milliseconds, also after an interruption. */
const PATIENCE_MS = 60_000;
const MOST_PAGES = 10;

/** Goes by names, so that it finds files whose answer got lost, too. */
export const cleanup: Check = {
  id: 'cleanup',
  promise: 'Nothing of this run is left',
  look: 'Delete these files: `fileshare rm ID`.',
  run: async (run) => {
    const signal = AbortSignal.timeout(PATIENCE_MS);
    const callers = [run.owner, ...(run.other ? [run.other] : [])];
    const counts = await Promise.all(callers.map((caller) => removeAll(run, caller.under(signal))));
    const deleted = counts.reduce((sum, count) => sum + count, 0);
    return { note: `${deleted} files deleted` };
  },
};

async function removeAll(run: Run, caller: Caller): Promise<number> {
  const left: string[] = [];
  const handles = await madeBy(run, caller);
  for (const handle of handles) {
    if (!(await remove(caller, handle).catch(() => false))) left.push(handle.id);
  }
  if (left.length > 0) throw new NotHeld('every file deleted', `left: ${left.join(', ')}`);
  return handles.length;
}

/** Files of this run that are not deleted. Newer ones come first, so that a few pages have them. */
async function madeBy({ prefix, sent }: Run, caller: Caller): Promise<readonly Handle[]> {
  const ids = new Set([...sent.values()].map(({ id }) => id));
  const own: Handle[] = [];
  let cursor: string | undefined = '';
  for (let page = 0; cursor !== undefined && page < MOST_PAGES; page++) {
    const query = new URLSearchParams({ limit: '100', ...(cursor && { cursor }) });
    const answer = await caller.expect([200], 'GET', `/files?${query}`);
    const { files, next }: { files: Handle[]; next?: string } = jsonOf(answer);
    own.push(...files.filter(({ id, fileName }) => ids.has(id) || fileName?.startsWith(prefix)));
    cursor = next;
  }
  return own;
}

async function remove(caller: Caller, { id, state }: Handle): Promise<boolean> {
  if (state === 'uploading') {
    // One by tus is ended here; a direct session only has a record, which is deleted below.
    const headers = { 'tus-resumable': '1.0.0' };
    const { status } = await caller.call('DELETE', `/uploads/${id}`, { headers });
    if (status === 204) return true;
  }
  const { status } = await caller.call('DELETE', `/files/${id}`);
  return status === 204;
}
