import * as v from 'valibot';
import { type EmulatedIam, InvalidToken } from '../../../common/iam/emulated-iam.ts';
import { ANYBODY } from '../../../common/iam/policy.ts';
import { RpcError } from '../core/status.ts';
import type { Plain } from '../walk.ts';
import { text } from './publisher-methods.ts';

const PERMISSION = 'pubsub.topics.publish';
const publish = v.looseObject({ topic: text });

/**
 * Whether the caller may publish, where the emulator has grants. The other methods are open: no function calls them.
 * @throws RpcError UNAUTHENTICATED | PERMISSION_DENIED
 */
export async function admitPublish(
  iam: EmulatedIam | undefined,
  method: string,
  request: Plain,
  authorization: string | undefined,
): Promise<void> {
  if (!iam || method !== 'Publish') return;
  const unauthenticated = new RpcError(
    'UNAUTHENTICATED',
    'Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other valid authentication credential.',
  );
  const account = await iam.caller(authorization).catch((error: unknown) => {
    throw error instanceof InvalidToken ? unauthenticated : error;
  });
  const { topic } = v.parse(publish, request);
  if (iam.policy.admits(account ?? ANYBODY, PERMISSION, { topic: topic.split('/').at(-1) ?? '' })) return;
  if (account === undefined) throw unauthenticated;
  throw new RpcError('PERMISSION_DENIED', 'User not authorized to perform this action.');
}
