import { connect } from './connect.ts';
import { type Context, harmless, print, say } from './context.ts';

/** `fileshare refs ls ID` */
export async function listReferencesCommand(context: Context, id: string): Promise<void> {
  for await (const uri of connect(context).references.list(id, context)) {
    print(context, { uri }, harmless(uri));
  }
}

/** `fileshare refs add | rm ID URI...` */
export async function changeReferencesCommand(
  context: Context,
  change: 'add' | 'remove',
  id: string,
  uris: readonly string[],
): Promise<void> {
  const { references } = connect(context);
  for (const uri of uris) {
    await references[change](id, uri, context);
    const referenced = change === 'add';
    if (context.common.json) print(context, { id, uri, referenced }, '');
    else say(context, `${id}: ${referenced ? 'kept for' : 'no longer kept for'} ${uri}`);
  }
}
