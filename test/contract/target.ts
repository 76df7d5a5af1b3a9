import type { EndpointKind } from './storage/subject.ts';

/** The target that `npm run test:contract` was told to test, and its properties. */
export interface Target {
  readonly storage?: {
    /** Scheme and authority of an endpoint of Cloud Storage's JSON API. */
    readonly url: string;
    readonly kind: EndpointKind;
    /** An existing bucket to use in place of new ones. */
    readonly bucket?: string | undefined;
  };
  readonly pubsub?: PubSubTarget;
}

export interface PubSubTarget {
  /** `host:port` of a Pub/Sub emulator. */
  readonly host: string;
  readonly kind: 'ours' | 'google';
}

/** The variable by which main.ts tells mocha's process. */
const VARIABLE = 'CONTRACT_TARGET';

export const targetEnv = (target: Target): Record<string, string> => ({ [VARIABLE]: JSON.stringify(target) });

export function readTarget(): Target {
  return JSON.parse(process.env[VARIABLE] ?? '{}') as Target;
}
