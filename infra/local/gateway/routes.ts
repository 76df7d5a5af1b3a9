/** Handles a request: a function, or the local pages (token issuer, status) that exist on one machine only. */
export type Target = 'upload' | 'files' | 'local';

/** One line of the routing table. `paths` are exact, or a prefix where they end in `/*`; no `methods` means all. */
interface Route {
  readonly methods?: readonly string[];
  readonly paths: readonly string[];
  readonly target: Target;
}

/** First match wins. The load balancer of a deployment has the same rules: terraform/lb.tf, compared by a test. */
const ROUTES: readonly Route[] = [
  // OPTIONS: the upload function tells the limits of a resumable upload. Both answer a preflight request alike.
  { methods: ['POST', 'OPTIONS'], paths: ['/files'], target: 'upload' },
  {
    paths: [
      '/files',
      '/files/*',
      '/openapi.json',
      '/asyncapi.json',
      '/.well-known/jwks.json',
      '/notice',
      '/schemas/*',
      '/problems/*',
    ],
    target: 'files',
  },
  { paths: ['/uploads', '/uploads/*'], target: 'upload' },
  { paths: ['/', '/local/*'], target: 'local' },
];

/** The target for a method and a path (without its query), or undefined where nothing is served. */
export function targetFor(method: string, path: string): Target | undefined {
  return ROUTES.find((route) => matches(route, method, path))?.target;
}

function matches({ methods, paths }: Route, method: string, path: string): boolean {
  if (methods && !methods.includes(method)) return false;
  return paths.some((pattern) =>
    pattern.endsWith('/*') ? path.startsWith(pattern.slice(0, -1)) : path === pattern,
  );
}
