import { problemOf } from '../errors.ts';
import type { State } from '../handle.ts';
import { connect, localUrlOf } from './connect.ts';
import { type Context, print, say, show } from './context.ts';
import { exitOf, UsageError } from './exit.ts';

export const STATES = [
  'uploading',
  'pending',
  'clean',
  'infected',
  'unscannable',
  'failed',
  'expired',
  'deleted',
] as const satisfies readonly State[];

/** `fileshare status ID...` */
export async function statusCommand(context: Context, ids: readonly string[]): Promise<void> {
  const fileshare = connect(context);
  for (const id of ids) show(context, await fileshare.status(id, context));
}

/** `fileshare wait ID [--timeout SECONDS]` */
export async function waitCommand(context: Context, id: string, flags: { timeout: number }): Promise<void> {
  const handle = await connect(context).wait(id, { ...flags, signal: context.signal });
  show(context, handle);
  context.exit(exitOf(handle));
}

/** `fileshare share ID [PRINCIPAL...]`: without a principal, who may view it. */
export async function shareCommand(
  context: Context,
  id: string,
  principals: readonly string[],
  { until }: { until?: string },
): Promise<void> {
  const fileshare = connect(context);
  await fileshare.share(id, principals, { until, signal: context.signal });
  const viewers = await fileshare.viewers(id, context);
  const people = viewers.viewers.map((viewer) => {
    const end = viewers.until?.[viewer];
    return `viewer  ${viewer}${end === undefined ? '' : `  until ${end}`}`;
  });
  print(context, viewers, [`owner   ${viewers.owner}`, ...people].join('\n'));
}

/** `fileshare unshare ID PRINCIPAL...` */
export async function unshareCommand(
  context: Context,
  id: string,
  principals: readonly string[],
): Promise<void> {
  const fileshare = connect(context);
  for (const principal of principals) await fileshare.unshare(id, principal, context);
  if (context.common.json) print(context, await fileshare.viewers(id, context), '');
  else say(context, `${id}: not shared with ${principals.join(', ')}`);
}

/** `fileshare expire ID END` */
export async function expireCommand(context: Context, id: string, at: string): Promise<void> {
  const fileshare = connect(context);
  await fileshare.expire(id, at === 'never' ? undefined : at, context);
  show(context, await fileshare.status(id, context));
}

/** `fileshare rescan ID...` */
export async function rescanFilesCommand(context: Context, ids: readonly string[]): Promise<void> {
  const fileshare = connect(context);
  for (const id of ids) show(context, await fileshare.rescan(id, context));
}

/** `fileshare receipts ID` */
export async function receiptsCommand(context: Context, id: string): Promise<void> {
  for await (const receipt of connect(context).receipts(id, context)) {
    print(context, receipt, `${receipt.at}  ${receipt.principal}`);
  }
}

/** `fileshare rm ID...` */
export async function removeCommand(context: Context, ids: readonly string[]): Promise<void> {
  const fileshare = connect(context);
  for (const id of ids) {
    await fileshare.delete(id, context);
    if (context.common.json) print(context, { id, deleted: true }, '');
    else say(context, `${id}: deleted`);
  }
}

/** `fileshare token`: of the issuer that `npm start` runs; a deployment gets its tokens from elsewhere. */
export async function tokenCommand(
  context: Context,
  principal: string,
  flags: { scope: string },
): Promise<void> {
  const url = new URL('/local/token', localUrlOf(context));
  url.search = String(new URLSearchParams({ principal, scope: flags.scope }));
  const response = await context.fetch(String(url), { signal: context.signal });
  if (response.status === 404) {
    throw new UsageError(`${url.origin} has no development issuer: ask your identity provider for a token.`);
  }
  if (!response.ok) throw await problemOf(response);
  const token = (await response.text()).trim();
  print(context, { token }, token);
}
