import domain, { type Domain } from 'node:domain';

/**
 * Takes the domains out of functions-framework, which runs each request in one. The first domain of a process hooks
 * into every promise and every callback that is made from then on, and follows each until it is collected: a third to
 * a half of what a request costs (docs/adr/0022). An error that nobody listens for, the reason for domains, ends
 * the process here, in the orderly way of {@link drainOnSignals}. To be called before the first request.
 */
export function withoutDomains(): void {
  const none = { on: () => none, run: (work: () => unknown) => work() };
  // All that the framework asks of one, so it need not be a whole Domain: https://nodejs.org/docs/latest-v24.x/api/domain.html
  domain.create = () => none as unknown as Domain;
}
