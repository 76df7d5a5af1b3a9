import { callerFindings } from './caller-checks.ts';
import type { Deployment } from './deployment.ts';
import { eventFindings } from './event-checks.ts';
import { grantFindings } from './grants.ts';
import { locationFindings } from './location-checks.ts';
import { routeFindings } from './route-checks.ts';
import { serviceFindings } from './service-checks.ts';
import { watchFindings } from './watch-checks.ts';

/** Everything that is wrong with what an example deploys. */
export function findingsOf(deployment: Deployment): readonly string[] {
  return [
    ...grantFindings(deployment),
    ...serviceFindings(deployment),
    ...eventFindings(deployment),
    ...routeFindings(deployment),
    ...callerFindings(deployment),
    ...locationFindings(deployment),
    ...watchFindings(deployment),
  ];
}
