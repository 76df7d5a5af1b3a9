import type { ChildSpec } from '../../infra/local/processes/child.ts';

/** Names a deployment, whose functions read its state every second. */
export function named(deployment: string): (spec: ChildSpec) => ChildSpec {
  return (spec) => ({
    ...spec,
    env: { ...spec.env, DEPLOYMENT: deployment, DEPLOYMENT_REFRESH_SECONDS: '1' },
  });
}
