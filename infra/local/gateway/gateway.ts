import type { RequestListener } from 'node:http';
import { pathOf } from './front.ts';
import { sendProblem } from './problem.ts';
import { type Target, targetFor } from './routes.ts';

/**
 * One address in front of the fronts of the functions, as a load balancer is in a deployment.
 * @param targets what answers for each: the fronts of the functions, and the local pages
 */
export function createGateway(targets: Readonly<Record<Target, RequestListener>>): RequestListener {
  return (request, response) => {
    const target = targetFor(request.method ?? '', pathOf(request));
    if (target === undefined) return sendProblem(response, 404, 'Nothing is served at this path.');
    targets[target](request, response);
  };
}
