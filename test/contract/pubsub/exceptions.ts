import type { Exceptions } from '../cases.ts';

/** Known deviations of Google's Pub/Sub emulator (0.8.20, of the gcloud CLI). */
export const GOOGLE_EMULATOR_EXCEPTIONS: Exceptions = {
  'lets only through what the filter of a subscription matches': 'it ignores filters',
  'refuses a filter that does not parse': 'it ignores filters',
  'repeats what follows in an ordering key when it repeats a refused message':
    'it repeats only the refused message',
  'moves a message of an ordering key to the dead letter topic and goes on':
    'it loses the message after the fifth attempt',
  'takes 102, 200, 201, 202 and 204 for acknowledgements, and redirects for refusals':
    'it takes 202 for a refusal',
  'pushes the ordering key and, with a dead letter policy, the delivery attempt': 'its push bodies lack both',
  'lets through the events that a documented filter asks for': 'it ignores filters',
  'pushes with a bearer token where the subscription names a service account': 'it sends no token',
};
