import type { Identity } from '../../infra/local/processes/identity.ts';

/** An identity for tests that only look at the description: it starts no metadata server. */
export const IDENTITY: Identity = {
  iam: { secret: 'x'.repeat(32), administrator: 'administrator@example.org', grants: [] },
  metadataHosts: {
    upload: '127.0.0.1:11',
    files: '127.0.0.1:12',
    scanner: '127.0.0.1:13',
    sweeper: '127.0.0.1:14',
    rescanner: '127.0.0.1:15',
    notify: '127.0.0.1:16',
    auditor: '127.0.0.1:17',
    exporter: '127.0.0.1:18',
  },
};
