import type { Handle } from '../../handle.ts';
import { type Answer, jsonOf, requireProblem } from './answer.ts';
import type { Caller } from './caller.ts';
import { type Check, type Run, sentBefore } from './check.ts';
import { mustBe, NotChecked, NotHeld } from './not-held.ts';
import { textBytes } from './samples.ts';

/** Well-formed, but the id of no file. */
const UNKNOWN = '0'.repeat(43);
const RECORDS =
  'The files function’s account: storage.objects.get and update on files/ of the permanent bucket.';
const REFERENCES =
  'The files function’s account: create, get and delete on references/ of the permanent bucket, and storage.objects.list on it.';
const LEAK =
  'A stranger can see a file of somebody else: take the service off the network. Look for a cache or proxy that shares responses between users, and for a principal claim in TOKEN_ISSUERS that maps both tokens to the same principal.';

export const access: readonly Check[] = [
  {
    id: 'unknown',
    promise: 'An unknown id gets 404, and every error is a problem document',
    look: 'A proxy or load balancer that replaces error responses.',
    run: async ({ owner }) => {
      requireProblem(await owner.call('GET', `/files/${UNKNOWN}`), 404, 'not-found');
      requireProblem(await owner.call('GET', '/files/nonsense/status'), 404, 'not-found');
      const wrong = requireProblem(await owner.call('PUT', '/files'), 405, 'method-not-allowed');
      if (!wrong.headers.get('allow')) throw new NotHeld('an Allow header with the 405', 'none');
      requireProblem(await owner.call('GET', '/files?state=nonsense'), 400, 'invalid-request');
      return undefined;
    },
  },
  {
    id: 'stranger',
    promise: 'A stranger gets the same 404 as for an unknown id',
    look: LEAK,
    run: stranger,
  },
  {
    id: 'sharing',
    promise: 'A viewer can read the file until the grant is revoked',
    look: RECORDS,
    run: sharing,
  },
  {
    id: 'list',
    promise: 'A list contains the files of the caller and no others',
    look: 'The files function’s account: storage.objects.list on the permanent bucket.',
    run: async (run) => {
      const ids = await listed(run.owner);
      for (const { id } of run.sent.values()) {
        if (!ids.includes(id))
          throw new NotHeld(`${id} among the 100 newest files of its owner`, 'not there');
      }
      const others = run.other ? await listed(run.other) : [];
      const seen = [...run.sent.values()].find(({ id }) => others.includes(id));
      if (seen) throw new NotHeld('no file of others', seen.id, LEAK);
      return undefined;
    },
  },
  {
    id: 'references',
    promise: 'A file with a reference cannot be deleted',
    look: REFERENCES,
    run: async (run) => {
      const { id } = sentBefore(run, 'small');
      const reference = `/files/${id}/references/${encodeURIComponent('urn:fileshare:verify')}`;
      await run.owner.expect([204], 'PUT', reference);
      try {
        const { references } = jsonOf<{ references: string[] }>(
          await run.owner.expect([200], 'GET', `/files/${id}/references`),
        );
        mustBe('references', references.join(), 'urn:fileshare:verify');
        requireProblem(await run.owner.call('DELETE', `/files/${id}`), 409, 'file-referenced');
      } finally {
        await run.owner.expect([204], 'DELETE', reference);
      }
      return undefined;
    },
  },
  {
    id: 'fhir',
    promise: 'The status is available as a FHIR Attachment',
    look: 'FILES_URL of the files function (docs/fhir.md).',
    run: fhir,
  },
];

export const deletion: Check = {
  id: 'delete',
  promise: 'A deleted file is gone, even for its owner',
  look: `${RECORDS} ${REFERENCES}`,
  run: async (run) => {
    const { id } = sentBefore(run, 'small');
    await run.owner.expect([204], 'DELETE', `/files/${id}`);
    await run.owner.expect([204], 'DELETE', `/files/${id}`);
    requireProblem(await run.owner.call('GET', `/files/${id}`), 410, 'file-deleted');
    const handle = jsonOf<Handle>(await run.owner.expect([200], 'GET', `/files/${id}/status`));
    mustBe('state', handle.state, 'deleted');
    if ((await listed(run.owner)).includes(id)) throw new NotHeld('no deleted file in the list', id);
    return undefined;
  },
};

async function listed(caller: Caller): Promise<readonly string[]> {
  const { files } = jsonOf<{ files: Handle[] }>(await caller.expect([200], 'GET', '/files?limit=100'));
  return files.map(({ id }) => id);
}

async function stranger(run: Run): Promise<undefined> {
  const other = secondOf(run);
  const { id } = sentBefore(run, 'small');
  for (const [method, rest] of [
    ['GET', ''],
    ['HEAD', ''],
    ['GET', '/status'],
    ['GET', '/viewers'],
    ['GET', '/receipts'],
    ['GET', '/references'],
    ['DELETE', ''],
  ] as const) {
    const answer = await other.call(method, `/files/${id}${rest}`);
    const unknown = await other.call(method, `/files/${UNKNOWN}${rest}`);
    if (answer.status < 400)
      throw new NotHeld(`404 for ${method} by a stranger`, String(answer.status), LEAK);
    if (method === 'HEAD') mustBe('status of HEAD', answer.status, 404);
    else requireProblem(answer, 404, 'not-found');
    mustBe(`the same response to ${method} as for an unknown id:`, textOf(answer), textOf(unknown));
  }
  const tus = await other.call('HEAD', `/uploads/${id}`, { headers: { 'tus-resumable': '1.0.0' } });
  mustBe('status of HEAD /uploads/{id}', tus.status, 404);
  return undefined;
}

function textOf({ status, body }: Answer): string {
  return `${status} ${body.toString().trim()}`;
}

async function sharing(run: Run) {
  const other = secondOf(run);
  const { id, sha256 } = sentBefore(run, 'small');
  const principal = await principalOf(run, other);
  const { owner } = jsonOf<Handle>(await run.owner.expect([200], 'GET', `/files/${id}/status`));
  if (owner === principal) throw new NotChecked(`both tokens belong to ${owner}`);
  const viewer = `/files/${id}/viewers/${encodeURIComponent(principal)}`;
  await run.owner.expect([204], 'PUT', viewer);
  const seen = jsonOf<Handle>(await other.expect([200], 'GET', `/files/${id}/status`));
  mustBe('sha256', seen.sha256, sha256);
  // 409 and 410 where its scan has failed above: that it is seen is what counts here.
  await other.expect([200, 307, 409, 410], 'GET', `/files/${id}`);
  requireProblem(await other.call('DELETE', `/files/${id}`), 403, 'forbidden');
  await run.owner.expect([204], 'DELETE', viewer);
  requireProblem(await other.call('GET', `/files/${id}`), 404, 'not-found');
  return { note: `with ${principal}` };
}

/** The service says it: in the handle of a file that the other principal uploads. */
async function principalOf({ prefix }: Run, other: Caller): Promise<string> {
  const headers = { 'content-disposition': `attachment; filename="${prefix}other.txt"` };
  const answer = await other.expect([201, 202], 'POST', '/files', {
    headers,
    body: textBytes('whose is it?'),
  });
  return jsonOf<Handle>(answer).owner;
}

function secondOf({ other }: Run): Caller {
  if (other) return other;
  throw new NotChecked('no second token: set --other-token or FILESHARE_OTHER_TOKEN');
}

async function fhir(run: Run): Promise<undefined> {
  const { id, bytes, decided } = sentBefore(run, 'small');
  if ((await decided.catch(() => undefined))?.handle.state !== 'clean')
    throw new NotChecked('its file did not become clean, see above');
  const headers = { accept: 'application/fhir+json' };
  const answer = await run.owner.expect([200], 'GET', `/files/${id}/status`, { headers });
  if (!/^application\/fhir\+json/.test(answer.headers.get('content-type') ?? ''))
    throw new NotChecked('FHIR is off: the files function has no FILES_URL');
  const attachment = jsonOf<{ url?: string; size?: number }>(answer);
  mustBe('url', attachment.url, `${run.hosts.files}/files/${id}`);
  mustBe('size', attachment.size, bytes.length);
  return undefined;
}
