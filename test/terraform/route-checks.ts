import { targetFor } from '../../infra/local/gateway/routes.ts';
import { type Deployment, ofType } from './deployment.ts';
import { listAt, numberAt, textAt } from './json.ts';

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'];
const PATHS = [
  '/files',
  '/files/',
  '/files/abc',
  '/files/abc/status',
  '/files/abc/verdict',
  '/files/abc/viewers/org:1',
  '/filesystem',
  '/uploads',
  '/uploads/',
  '/uploads/abc',
  '/uploads/direct',
  '/uploadsx',
  '/openapi.json',
  '/asyncapi.json',
  '/.well-known/jwks.json',
  '/schemas/scan.completed.v1.json',
  '/problems/not-found',
];

/** Requests a minute of a hospital behind one address: 5 000 users with one every half minute, and some more. */
const LEAST_PER_MINUTE = 12_000;

/** Where the load balancer leads elsewhere than the local gateway does, and whom it throttles. */
export function routeFindings(deployment: Deployment): readonly string[] {
  return [...pathFindings(deployment), ...throttleFindings(deployment)];
}

function throttleFindings(deployment: Deployment): readonly string[] {
  return ofType(deployment, 'google_compute_security_policy').flatMap(({ address, values }) => {
    const throttles = listAt(values, 'rule').filter((rule) => textAt(rule, 'action') === 'throttle');
    const limits = throttles.map((rule) =>
      numberAt(rule, 'rate_limit_options', 0, 'rate_limit_threshold', 0, 'count'),
    );
    const fits = limits.length === 1 && limits.every((limit) => limit >= LEAST_PER_MINUTE);
    return fits ? [] : [`${address}: lets ${limits.join()} requests a minute of one address through`];
  });
}

function pathFindings(deployment: Deployment): readonly string[] {
  return ofType(deployment, 'google_compute_url_map').flatMap(({ values }) =>
    METHODS.flatMap((method) =>
      PATHS.flatMap((path) => {
        // Unknown paths of the gateway get a 404 from files.
        const expected = targetFor(method, path) ?? 'files';
        const actual = balanced(values, method, path);
        return actual === expected ? [] : [`${method} ${path} goes to ${actual}, and locally to ${expected}`];
      }),
    ),
  );
}

/** https://cloud.google.com/load-balancing/docs/url-map-concepts: the first rule by priority. */
function balanced(map: unknown, method: string, path: string): string {
  const rules = listAt(map, 'path_matcher', 0, 'route_rules').toSorted(
    (one, other) => numberAt(one, 'priority') - numberAt(other, 'priority'),
  );
  const rule = rules.find((candidate) =>
    listAt(candidate, 'match_rules').some((match) => matches(match, method, path)),
  );
  const service = rule ? textAt(rule, 'service') : textAt(map, 'path_matcher', 0, 'default_service');
  return (service.split('/').at(-1) ?? '').replace(/^(fileshare|share)-/, '');
}

function matches(match: unknown, method: string, path: string): boolean {
  const full = textAt(match, 'full_path_match');
  const prefix = textAt(match, 'prefix_match');
  const pathMatches = full !== '' ? path === full : prefix !== '' && path.startsWith(prefix);
  return (
    pathMatches &&
    listAt(match, 'header_matches').every(
      (header) => textAt(header, 'header_name') === ':method' && textAt(header, 'exact_match') === method,
    )
  );
}
