import type { Resource } from '../../../shared/http/router.ts';
import type { Files } from '../files.ts';
import { getContract } from './contract.ts';
import { deleteFile } from './delete.ts';
import { getFiles } from './list.ts';
import { getFile } from './read.ts';
import { deleteReference, getReferences, putReference } from './references.ts';
import { getStatus } from './status.ts';
import { deleteViewer, getViewers, putViewer } from './viewers.ts';

/** Everything below `/files` but the upload, and the contract. Each route says itself whom it is for. */
export function resources(files: Files): readonly Resource[] {
  return [
    { path: /^\/openapi\.json$/, methods: { GET: getContract } },
    { path: /^\/files$/, methods: { GET: getFiles(files) }, elsewhere: ['POST'] },
    { path: /^\/files\/([^/]+)$/, methods: { GET: getFile(files), DELETE: deleteFile(files) } },
    { path: /^\/files\/([^/]+)\/status$/, methods: { GET: getStatus(files) } },
    { path: /^\/files\/([^/]+)\/viewers$/, methods: { GET: getViewers(files) } },
    {
      path: /^\/files\/([^/]+)\/viewers\/([^/]+)$/,
      methods: { PUT: putViewer(files), DELETE: deleteViewer(files) },
    },
    { path: /^\/files\/([^/]+)\/references$/, methods: { GET: getReferences(files) } },
    {
      path: /^\/files\/([^/]+)\/references\/(.+)$/,
      methods: { PUT: putReference(files), DELETE: deleteReference(files) },
    },
  ];
}
