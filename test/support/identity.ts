import type { Identity } from '../../infra/local/identity.ts';

/** Whoever only looks at what is described starts no metadata server. */
export const IDENTITY: Identity = {
  iam: { secret: 'x'.repeat(32), administrator: 'administrator@example.org', grants: [] },
  metadataHosts: {
    upload: '127.0.0.1:11',
    files: '127.0.0.1:12',
    scanner: '127.0.0.1:13',
    sweeper: '127.0.0.1:14',
  },
};
