import type { Deployment, Resource } from './deployment.ts';
import { at, listAt } from './json.ts';

export interface Amputation {
  readonly what: string;
  readonly deployment: Deployment;
}

/** A deployment as it would be without each grant, dead letter and probe in turn. */
export function amputations(deployment: Deployment): readonly Amputation[] {
  return deployment.resources.flatMap((resource) => {
    if (/_iam_(member|binding|policy)$/.test(resource.type)) {
      return [{ what: resource.address, deployment: replaced(deployment, resource, []) }];
    }
    return partsOf(resource).map((path) => {
      const values = structuredClone(resource.values);
      const key = path.at(-1) ?? '';
      (at(values, ...path.slice(0, -1)) as Record<string, unknown>)[key] = [];
      return {
        what: `${path.join('.')} of ${resource.address}`,
        deployment: replaced(deployment, resource, [{ ...resource, values }]),
      };
    });
  });
}

/** Where a resource has a dead letter policy or a probe. */
function partsOf({ values }: Resource): (string | number)[][] {
  const candidates = [
    ['dead_letter_policy'],
    ...listAt(values, 'template', 0, 'containers').flatMap((_, index) =>
      ['startup_probe', 'liveness_probe'].map((probe) => ['template', 0, 'containers', index, probe]),
    ),
  ];
  return candidates.filter((path) => listAt(values, ...path).length > 0);
}

function replaced(deployment: Deployment, resource: Resource, by: readonly Resource[]): Deployment {
  return {
    ...deployment,
    resources: deployment.resources.flatMap((other) => (other === resource ? by : [other])),
  };
}
