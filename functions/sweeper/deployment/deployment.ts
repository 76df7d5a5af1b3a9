import { randomUUID } from 'node:crypto';
import {
  type DeploymentState,
  formatState,
  parseState,
  STATE_NAME,
} from '../../../shared/deployment/state.ts';
import { Problem } from '../../../shared/http/problems.ts';
import { putMetadata } from '../../../shared/storage/put-metadata.ts';
import type { SweeperDeps } from '../sweeper.ts';

export interface DeploymentDeps extends Pick<SweeperDeps, 'permanent' | 'now' | 'log'> {
  /** `DEPLOYMENT` of this function. */
  readonly deployment: string;
}

/** Makes the next state of one; the same object changes nothing. @throws {Problem} where it may not be changed */
type Change = (state: DeploymentState) => DeploymentState;

/**
 * Makes sure that the buckets are this deployment's, and claims them where they are nobody's.
 * @throws {Problem} `wrong-deployment`; {StorageError}
 */
export async function requireOurs({ permanent, deployment, now, log }: DeploymentDeps): Promise<void> {
  const { written } = await changeState({ permanent }, (state) => {
    if (!state.claim) return { ...state, claim: { deployment, at: now() } };
    const owner = state.claim.deployment;
    if (owner === deployment) return state;
    // docs/operations.md names the alert by this message.
    log.error({ deployment, owner }, 'buckets belong to another deployment');
    throw notOurs(deployment, owner);
  });
  if (written) log.warn({ deployment }, 'buckets claimed');
}

/** @throws {StorageError} */
export async function readState({ permanent }: Pick<DeploymentDeps, 'permanent'>): Promise<DeploymentState> {
  return parseState((await permanent.stat(STATE_NAME))?.metadata);
}

/**
 * Changes the state, whatever others do to it meanwhile.
 * @returns the state, and whether it was written
 * @throws what `change` throws, and {StorageError}: repeat it
 */
export async function changeState(
  { permanent }: Pick<DeploymentDeps, 'permanent'>,
  change: Change,
): Promise<{ readonly state: DeploymentState; readonly written: boolean }> {
  for (;;) {
    const object = await permanent.stat(STATE_NAME);
    const before = parseState(object?.metadata);
    const state = change(before);
    if (state === before) return { state, written: false };
    // Two may write the same at the same time: a try again must not take the other's write for its own.
    const metadata = { ...formatState(state), write: randomUUID() };
    if (await putMetadata(permanent, STATE_NAME, object, metadata)) return { state, written: true };
  }
}

function notOurs(deployment: string, owner: string): Problem {
  return new Problem('wrong-deployment', {
    detail: `The buckets belong to ${owner}, and this is ${deployment}. To take them over: fileshare admin adopt --from ${owner}`,
    headers: { 'retry-after': '60' },
  });
}
