import { containersOf, type Deployment, envOf, ofType } from './deployment.ts';
import { textAt } from './json.ts';

/** The callers that the sweeper is configured with have to be those that call it: it refuses all others (docs/adr/0013). */
export function callerFindings(deployment: Deployment): readonly string[] {
  const sweeper = containersOf(deployment).find(({ name }) => name === 'sweeper');
  const told = sweeper ? envOf(sweeper) : {};
  const deadLetters = ofType(deployment, 'google_pubsub_subscription')
    .filter(({ values }) => textAt(values, 'push_config', 0, 'push_endpoint').endsWith('/dead-letters'))
    .map(({ values }) => textAt(values, 'push_config', 0, 'oidc_token', 0, 'service_account_email'));
  const schedules = ofType(deployment, 'google_cloud_scheduler_job')
    .filter(({ name }) => name === 'sweeper')
    .map(({ values }) => textAt(values, 'http_target', 0, 'oidc_token', 0, 'service_account_email'));
  return [
    ...unlike('DEAD_LETTER_CALLER', told['DEAD_LETTER_CALLER'], deadLetters),
    ...unlike('SCHEDULE_CALLER', told['SCHEDULE_CALLER'], schedules),
  ];
}

function unlike(variable: string, told: string | undefined, callers: readonly string[]): readonly string[] {
  if (callers.length === 0) return [`nobody calls as ${variable}`];
  return callers
    .filter((caller) => caller === '' || caller !== told)
    .map((caller) => `the sweeper refuses ${caller}: ${variable} is ${told}`);
}
