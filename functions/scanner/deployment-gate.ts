import type { DeploymentWatch } from '../../shared/deployment/watch.ts';
import type { Outcome } from './outcome.ts';

/** Seconds: an operator must decide which deployment owns the buckets. */
const RETRY_AFTER_SECONDS = 60;

/**
 * Refuses to work on the buckets of another deployment. A refused event is redelivered, so nothing is lost if only the
 * name of this deployment is wrong. docs/adr/0050
 * @returns undefined if this deployment may work
 */
export async function refuseOthers(
  watch: Pick<DeploymentWatch, 'refresh' | 'owner'>,
): Promise<Extract<Outcome, { kind: 'later' }> | undefined> {
  await watch.refresh();
  const { owner } = watch;
  if (owner === 'us' || owner === 'nobody') return undefined;
  const why =
    owner === 'another'
      ? 'the buckets belong to another deployment'
      : 'it is not known whose the buckets are';
  return { kind: 'later', why, retryAfterSeconds: owner === 'another' ? RETRY_AFTER_SECONDS : 1 };
}
