import type { Files } from '../files.ts';
import type { Resource } from '../router.ts';
import { getAsyncApi, getOpenApi, getSchema } from './contract.ts';
import { deleteFile } from './delete.ts';
import { deleteExpiration, putExpiration } from './expiration.ts';
import { getFiles } from './list.ts';
import { getListed } from './listed.ts';
import { getNotice } from './notice.ts';
import { PAGING } from './paging.ts';
import { getProblemType } from './problem-type.ts';
import { getFile } from './read.ts';
import { deleteReference, putReference } from './references.ts';
import { postRescan } from './rescan.ts';
import { getStatus } from './status.ts';
import { getVerdict, getVerdictKeys } from './verdict.ts';
import { deleteViewer, getViewers, patchViewers, putViewer } from './viewers.ts';

/** Everything below `/files` but the upload, and the contract. Each route says itself whom it is for. */
export function resources(files: Files): readonly Resource[] {
  return [
    { path: /^\/openapi\.json$/, methods: { GET: ['contract', getOpenApi] } },
    { path: /^\/asyncapi\.json$/, methods: { GET: ['contract', getAsyncApi] } },
    { path: /^\/schemas\/([^/]+)$/, methods: { GET: ['contract', getSchema] } },
    { path: /^\/problems\/([^/]+)$/, methods: { GET: ['contract', getProblemType(files)] } },
    { path: /^\/\.well-known\/jwks\.json$/, methods: { GET: ['contract', getVerdictKeys(files)] } },
    { path: /^\/notice$/, methods: { GET: ['notice', getNotice(files)] } },
    {
      path: /^\/files$/,
      methods: { GET: ['list', getFiles(files)] },
      query: { known: ['owner', 'shared', 'correlationId', ...PAGING], lists: ['state'] },
      elsewhere: ['POST', 'OPTIONS'],
    },
    {
      path: /^\/files\/([^/]+)$/,
      methods: { GET: ['read', getFile(files)], DELETE: ['delete', deleteFile(files)] },
    },
    { path: /^\/files\/([^/]+)\/status$/, methods: { GET: ['status', getStatus(files)] } },
    { path: /^\/files\/([^/]+)\/verdict$/, methods: { GET: ['verdict', getVerdict(files)] } },
    {
      path: /^\/files\/([^/]+)\/rescan$/,
      methods: { POST: ['rescan', postRescan(files)] },
      unconditional: true,
    },
    {
      path: /^\/files\/([^/]+)\/viewers$/,
      methods: { GET: ['viewers', getViewers(files)], PATCH: ['share', patchViewers(files)] },
    },
    {
      path: /^\/files\/([^/]+)\/viewers\/([^/]+)$/,
      methods: { PUT: ['grant', putViewer(files)], DELETE: ['revoke', deleteViewer(files)] },
    },
    {
      path: /^\/files\/([^/]+)\/expiration$/,
      methods: { PUT: ['expire', putExpiration(files)], DELETE: ['unexpire', deleteExpiration(files)] },
    },
    {
      path: /^\/files\/([^/]+)\/receipts$/,
      methods: { GET: ['receipts', getListed(files, 'receipts', files.receipts)] },
      query: { known: PAGING },
    },
    {
      path: /^\/files\/([^/]+)\/references$/,
      methods: { GET: ['references', getListed(files, 'references', files.references)] },
      query: { known: PAGING },
    },
    {
      path: /^\/files\/([^/]+)\/references\/(.+)$/,
      methods: { PUT: ['refer', putReference(files)], DELETE: ['unrefer', deleteReference(files)] },
      unconditional: true,
    },
  ];
}
