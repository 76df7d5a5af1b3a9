import { randomUUID } from 'node:crypto';
import {
  type DeploymentState,
  formatState,
  parseState,
  STATE_NAME,
} from '../../../shared/deployment/state.ts';
import { Problem } from '../../../shared/http/problems.ts';
import type { Logger } from '../../../shared/runtime/log.ts';
import type { Bucket } from '../../../shared/storage/bucket.ts';
import type { StoredObject } from '../../../shared/storage/object.ts';

export interface DeploymentDeps {
  readonly permanent: Bucket;
  /** `DEPLOYMENT` of this function. */
  readonly deployment: string;
  readonly now: () => Date;
  readonly log: Logger;
}

/** Makes the next state of one; the same object changes nothing. @throws {Problem} where it may not be changed */
export type Change = (state: DeploymentState) => DeploymentState;

/**
 * Makes sure that the buckets are this deployment's, and claims them where they are nobody's.
 * @throws {Problem} `wrong-deployment`; {StorageError}
 */
export async function requireOurs({ permanent, deployment, now, log }: DeploymentDeps): Promise<void> {
  for (;;) {
    const object = await permanent.stat(STATE_NAME);
    const state = parseState(object?.metadata);
    if (state.claim?.deployment === deployment) return;
    if (state.claim) {
      // docs/operations.md names the alert by this message.
      log.error({ deployment, owner: state.claim.deployment }, 'buckets belong to another deployment');
      throw notOurs(deployment, state.claim.deployment);
    }
    if (!(await write(permanent, object, { ...state, claim: { deployment, at: now() } }))) continue;
    log.warn({ deployment }, 'buckets claimed');
    return;
  }
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
    if (await write(permanent, object, state)) return { state, written: true };
  }
}

/** Two may write the same at the same time: a try again must not take the other's write for its own. */
function write(
  permanent: Bucket,
  object: StoredObject | undefined,
  state: DeploymentState,
): Promise<StoredObject | undefined> {
  const metadata = { ...formatState(state), write: randomUUID() };
  if (!object) return permanent.insertEmpty(STATE_NAME, { metadata });
  const gone = Object.keys(object.metadata).filter((key) => !(key in metadata));
  return permanent.patch(STATE_NAME, object, {
    ...metadata,
    ...Object.fromEntries(gone.map((key) => [key, null])),
  });
}

function notOurs(deployment: string, owner: string): Problem {
  return new Problem('wrong-deployment', {
    detail: `The buckets belong to ${owner}, and this is ${deployment}. To take them over: fileshare admin adopt --from ${owner}`,
    headers: { 'retry-after': '60' },
  });
}
