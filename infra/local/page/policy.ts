/** Directives that a page may set for itself, in a `meta` element: all but `frame-ancestors`. */
export function pagePolicy(connectTo: readonly string[]): string {
  return [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    `connect-src 'self' ${connectTo.join(' ')}`,
    "base-uri 'none'",
    "form-action 'none'",
    "require-trusted-types-for 'script'",
  ].join('; ');
}

/** Nothing from elsewhere, nothing inline: a name of a file or of a principal can never become a script. */
export function contentSecurityPolicy(connectTo: readonly string[]): string {
  return `${pagePolicy(connectTo)}; frame-ancestors 'none'`;
}
