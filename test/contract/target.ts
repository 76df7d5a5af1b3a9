/** What `npm run test:contract` was told to test; main.ts passes it to mocha's processes. */
interface Target {
  /** Scheme and authority of an endpoint of Cloud Storage's JSON API. */
  readonly endpoint: string | undefined;
  /** An existing bucket to use in place of new ones. */
  readonly bucket: string | undefined;
  /** `host:port` of a Pub/Sub emulator. */
  readonly pubsub: string | undefined;
}

export function readTarget(env: NodeJS.ProcessEnv): Target {
  return {
    endpoint: env['CONTRACT_ENDPOINT'],
    bucket: env['CONTRACT_BUCKET'],
    pubsub: env['CONTRACT_PUBSUB'],
  };
}
