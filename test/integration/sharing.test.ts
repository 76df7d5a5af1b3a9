import assert from 'node:assert/strict';
import { overHosts } from '../support/over-hosts.ts';
import { type CallInit, EICAR, eventually, OWNER, Service } from '../support/service.ts';

const VIEWER = 'org:222222222';
const STRANGER = 'org:111111111';

interface Viewers {
  readonly owner: string;
  readonly viewers: readonly string[];
}

async function problemOf(response: Response): Promise<{ type: string; [member: string]: unknown }> {
  const document = (await response.json()) as { type: string };
  return { ...document, type: document.type.slice(document.type.lastIndexOf('/') + 1) };
}

overHosts('sharing, referring to and withdrawing files', (hosts) => {
  const service = new Service({ HOSTS: hosts });
  afterEach(() => service.clearFaults());

  const put = (path: string, headers: Record<string, string> = {}) => service.call('PUT', path, { headers });
  const drop = (path: string, headers: Record<string, string> = {}) =>
    service.call('DELETE', path, { headers });
  async function viewersOf(id: string): Promise<{ viewers: readonly string[]; etag: string }> {
    const response = await service.call('GET', `/files/${id}/viewers`);
    assert.equal(response.status, 200);
    const { owner, viewers } = (await response.json()) as Viewers;
    assert.equal(owner, OWNER);
    return { viewers, etag: response.headers.get('etag') ?? '' };
  }
  async function clean(): Promise<string> {
    const { id } = await service.upload('private');
    await service.decided(id);
    return id;
  }

  describe('viewers', () => {
    let id: string;
    beforeEach(async () => {
      id = await clean();
    });

    it('are granted and revoked, again without effect, and see the file in between', async () => {
      const seen = async () => (await service.call('GET', `/files/${id}`, { as: VIEWER })).status;
      assert.equal(await seen(), 404);
      const tags = new Set<string>();
      for (const [method, status] of [
        ['PUT', 200],
        ['PUT', 200],
        ['DELETE', 404],
        ['DELETE', 404],
      ] as const) {
        const response = await service.call(method, `/files/${id}/viewers/${encodeURIComponent(VIEWER)}`);
        assert.deepEqual([response.status, await response.text()], [204, '']);
        assert.equal(response.headers.get('etag'), (await viewersOf(id)).etag);
        tags.add(response.headers.get('etag') ?? '');
        assert.equal(await seen(), status);
      }
      assert.equal(tags.size, 2);
    });

    it('are granted and revoked several at once, all or none', async () => {
      const change = (body: unknown, init: Partial<CallInit> = {}) =>
        service.call('PATCH', `/files/${id}/viewers`, { ...init, body: JSON.stringify(body) });
      assert.equal((await change({ grant: [VIEWER, 'org:3', 'group:a@b', OWNER] })).status, 204);
      assert.deepEqual((await viewersOf(id)).viewers, [VIEWER, 'org:3', 'group:a@b']);
      const answer = await change({ grant: ['org:4', VIEWER], revoke: ['org:3', 'org:9'] });
      assert.equal(answer.headers.get('etag'), (await viewersOf(id)).etag);
      const now = [VIEWER, 'group:a@b', 'org:4'];
      assert.deepEqual((await viewersOf(id)).viewers, now);
      const tooMany = Array.from({ length: 1_200 }, (_, index) => `org:${index}`);
      for (const [status, body, init] of [
        [400, { grant: ['org:5', 'nobody'] }, {}],
        [400, { grant: ['org:5'], revoke: ['org:5'] }, {}],
        [400, { grant: 'org:5' }, {}],
        [400, { grants: ['org:5'] }, {}],
        [400, undefined, {}],
        [400, { grant: Array.from({ length: 8_000 }, (_, index) => `org:${index}`) }, {}],
        [409, { grant: tooMany, revoke: [VIEWER] }, {}],
        [412, { grant: ['org:5'] }, { headers: { 'if-match': '"1-1"' } }],
        [403, { grant: ['org:5'] }, { as: VIEWER }],
        [404, { grant: ['org:5'] }, { as: STRANGER }],
        [403, { grant: ['org:5'] }, { as: 'user:admin', scopes: ['admin'] }],
      ] as const satisfies readonly (readonly [number, unknown, Partial<CallInit>])[]) {
        assert.equal((await change(body, init)).status, status, String(JSON.stringify(body)).slice(0, 60));
        assert.deepEqual((await viewersOf(id)).viewers, now);
      }
      const admin = { as: 'user:admin', scopes: ['admin'] } as const;
      assert.equal((await change({ revoke: ['org:4'] }, admin)).status, 204);
      await drop(`/files/${id}`);
      assert.equal((await change({ grant: ['org:5'] })).status, 410);
      assert.equal((await change({ revoke: [VIEWER] })).status, 204);
    });

    it('are counted in the handle for the owner and for administrators, and not for one another', async () => {
      await put(`/files/${id}/viewers/${VIEWER}`);
      await put(`/files/${id}/viewers/group:a@b`);
      await put(`/files/${id}/viewers/${OWNER}`);
      assert.deepEqual((await viewersOf(id)).viewers, [VIEWER, 'group:a@b']);
      assert.equal((await service.status(id)).viewerCount, 2);
      for (const [as, scopes, count] of [
        [VIEWER, ['read'], undefined],
        ['user:admin', ['admin'], 2],
      ] as const) {
        const response = await service.call('GET', `/files/${id}/status`, { as, scopes });
        assert.equal(((await response.json()) as { viewerCount?: number }).viewerCount, count);
      }
    });

    it('that are no principals are refused', async () => {
      for (const viewer of ['x', 'org:', 'org:a%20b', 'org:%zz', 'org:a%2Fb', `org:${'1'.repeat(200)}`]) {
        assert.equal((await put(`/files/${id}/viewers/${viewer}`)).status, 400, viewer);
      }
    });

    it('change only from the version that If-Match names', async () => {
      const { etag } = await viewersOf(id);
      const first = await put(`/files/${id}/viewers/${VIEWER}`, { 'if-match': etag });
      assert.equal(first.status, 204);
      for (const method of ['PUT', 'DELETE'] as const) {
        const headers = { 'if-match': etag };
        const stale = await service.call(method, `/files/${id}/viewers/org:3`, { headers });
        assert.equal((await problemOf(stale)).type, 'precondition-failed');
        assert.equal(stale.headers.get('etag'), first.headers.get('etag'));
      }
      assert.equal((await put(`/files/${id}/viewers/org:3`, { 'if-match': '*' })).status, 204);
      const listed = `"x", W/"y", ${(await viewersOf(id)).etag}`;
      assert.equal((await drop(`/files/${id}/viewers/org:3`, { 'if-match': listed })).status, 204);
      assert.equal((await put(`/files/${id}/viewers/org:3`, { 'if-match': 'nonsense' })).status, 400);
      assert.deepEqual((await viewersOf(id)).viewers, [VIEWER]);
    });

    it('of fifty that are granted with one version at once, one is', async () => {
      const { etag } = await viewersOf(id);
      const answers = await Promise.all(
        Array.from({ length: 50 }, (_, index) =>
          put(`/files/${id}/viewers/org:${index}`, { 'if-match': etag }),
        ),
      );
      const statuses = answers.map(({ status }) => status);
      assert.equal(statuses.filter((status) => status === 204).length, 1);
      assert.equal(statuses.filter((status) => status === 412).length, 49);
      assert.equal((await viewersOf(id)).viewers.length, 1);
    });

    it('of fifty that are granted at once are all there, with Cloud Storage refusing as it does under load', async () => {
      const namePrefix = `files/${id}`;
      for (const [nth, status, when] of [
        [1, 429, 'before'],
        [3, 503, 'before'],
        [4, 503, 'after'],
      ] as const) {
        await service.fault({
          operation: 'objects.patch',
          namePrefix,
          nth,
          effect: { kind: 'error', status, when },
        });
      }
      const viewers = Array.from({ length: 50 }, (_, index) => `org:${index}`);
      const answers = await Promise.all(viewers.map((viewer) => put(`/files/${id}/viewers/${viewer}`)));
      assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([204]));
      assert.deepEqual([...(await viewersOf(id)).viewers].sort(), [...viewers].sort());
    });

    it('that find no room are refused, and the verdict still does', async () => {
      await service.fault({ operation: 'notify', times: 1, effect: { kind: 'error', status: 503 } });
      const { id: infected } = await service.upload(EICAR, {
        'content-disposition': `attachment; filename="${'x'.repeat(500)}"`,
      });
      let granted = 0;
      let refused: Response | undefined;
      for (let round = 0; !refused; round++) {
        const viewers = Array.from({ length: 50 }, (_, index) => `user:${round}-${index}-${'x'.repeat(60)}`);
        const answers = await Promise.all(
          viewers.map((viewer) => put(`/files/${infected}/viewers/${viewer}`)),
        );
        granted += answers.filter(({ status }) => status === 204).length;
        refused = answers.find(({ status }) => status !== 204);
      }
      const { type, status, viewers } = await problemOf(refused);
      assert.deepEqual([type, status, viewers], ['too-many-viewers', 409, granted]);
      assert.equal((await service.decided(infected)).state, 'infected');
      assert.equal((await viewersOf(infected)).viewers.length, granted);
    });

    it('cannot be granted once the file is deleted, but revoked', async () => {
      await put(`/files/${id}/viewers/${VIEWER}`);
      await drop(`/files/${id}`);
      assert.equal((await put(`/files/${id}/viewers/org:3`)).status, 410);
      const status = () => service.call('GET', `/files/${id}/status`, { as: VIEWER });
      assert.equal(((await (await status()).json()) as { state: string }).state, 'deleted');
      assert.equal((await drop(`/files/${id}/viewers/${VIEWER}`)).status, 204);
      assert.equal((await status()).status, 404);
    });
  });

  describe('a stranger', () => {
    it('gets the same document, headers and cost for a file of others as for one that never was', async () => {
      const id = await clean();
      // The scanner deletes the source last, and its calls are none of the stranger's.
      await eventually(async () => (await service.names('unscanned')).length === 0);
      const none = id.slice(0, -1) + (id.endsWith('0') ? '1' : '0');
      const version = { 'if-match': '"1-1"' };
      for (const [method, path, headers] of [
        ['GET', '', {}],
        ['GET', '/status', { prefer: 'wait=1' }],
        ['DELETE', '', {}],
        ['DELETE', '', version],
        ['GET', '/viewers', {}],
        ['PUT', '/viewers/org:1', version],
        ['DELETE', '/viewers/org:1', {}],
        ['GET', '/receipts', {}],
        ['GET', '/references', {}],
        ['PUT', '/references/urn:x:1', {}],
        ['DELETE', '/references/urn:x:1', {}],
      ] as const) {
        const answers = [];
        for (const file of [id, none]) {
          await service.resetOperations();
          const response = await service.call(method, `/files/${file}${path}`, { as: STRANGER, headers });
          const { operations } = await service.operations();
          const calls = Object.entries(operations).map(([name, { calls }]) => [name, calls]);
          const { date: _, ...sent } = Object.fromEntries(response.headers);
          answers.push({ status: response.status, sent, text: await response.text(), calls });
        }
        assert.deepEqual(answers[0], answers[1]);
        assert.equal(answers[0]?.status, 404, `${method} ${path}`);
        assert.deepEqual(answers[0]?.calls, [['objects.get', 2]], `${method} ${path}`);
      }
    });
  });

  describe('references', () => {
    const uri = 'https://fhir.example/DocumentReference/1?a=b#c';
    const path = (id: string) => `/files/${id}/references/${encodeURIComponent(uri)}`;

    it('keep a file from being deleted, say by how many, and are added and removed as often as one likes', async () => {
      const id = await clean();
      const listed = async () => (await service.call('GET', `/files/${id}/references`)).json();
      for (let again = 0; again < 2; again++) assert.equal((await put(path(id))).status, 204);
      assert.equal((await put(`/files/${id}/references/urn:x:2`)).status, 204);
      assert.deepEqual(((await listed()) as { references: string[] }).references.sort(), [uri, 'urn:x:2']);
      const refused = await problemOf(await drop(`/files/${id}`));
      assert.deepEqual([refused.type, refused['references']], ['file-referenced', 2]);
      assert.equal((await service.status(id)).state, 'clean');
      for (let again = 0; again < 2; again++) assert.equal((await drop(path(id))).status, 204);
      assert.equal((await drop(`/files/${id}/references/urn:x:2`)).status, 204);
      assert.deepEqual(await listed(), { references: [] });
      assert.equal((await drop(`/files/${id}`)).status, 204);
      const late = await put(path(id));
      assert.equal((await problemOf(late)).type, 'file-deleted');
      assert.deepEqual(await service.names('permanent', `references/${id}/`), []);
    });

    it('come in pages with a link to the next', async () => {
      const id = await clean();
      const uris = Array.from({ length: 5 }, (_, index) => `urn:x:${index}`);
      await Promise.all(uris.map((text) => put(`/files/${id}/references/${text}`)));
      const listed: string[] = [];
      for (let next = `/files/${id}/references?limit=2`; next; ) {
        const response = await service.call('GET', next);
        const page = (await response.json()) as { references: string[]; next?: string };
        listed.push(...page.references);
        next = /^<([^>]+)>; rel="next"$/.exec(response.headers.get('link') ?? '')?.[1] ?? '';
        assert.equal(next === '', page.next === undefined);
      }
      assert.deepEqual(listed.sort(), uris);
      assert.equal((await service.call('GET', `/files/${id}/references?cursor=x`)).status, 400);
    });

    it('that are no absolute URIs, or not encoded, are refused', async () => {
      const id = await clean();
      for (const text of [
        'x',
        'DocumentReference%2F1',
        'https://a/b',
        'urn:x?y',
        'urn:%zz',
        `urn:${'x'.repeat(2000)}`,
      ]) {
        assert.equal((await put(`/files/${id}/references/${text}`)).status, 400, text);
        assert.equal((await drop(`/files/${id}/references/${text}`)).status, 400, text);
      }
    });
  });

  describe('a deletion', () => {
    it('takes the file from everybody, and again is as once', async () => {
      const id = await clean();
      await put(`/files/${id}/viewers/${VIEWER}`);
      for (let again = 0; again < 2; again++) assert.equal((await drop(`/files/${id}`)).status, 204);
      for (const as of [OWNER, VIEWER]) {
        const handle = (await (await service.call('GET', `/files/${id}/status`, { as })).json()) as object;
        assert.ok('deletedAt' in handle && 'state' in handle && handle.state === 'deleted');
        const bytes = await service.call('GET', `/files/${id}`, { as });
        assert.deepEqual([bytes.status, (await problemOf(bytes)).type], [410, 'file-deleted']);
      }
      assert.equal((await service.call('GET', `/files/${id}`, { as: STRANGER })).status, 404);
      const records = await service.bucket('permanent').stat(`files/${id}`);
      assert.ok(records?.metadata['sha256']);
    });

    it('honours If-Match, with the version of the viewers or of the bytes', async () => {
      for (const from of ['/viewers', '']) {
        const id = await clean();
        const etag = (await service.call('GET', `/files/${id}${from}`)).headers.get('etag') ?? '';
        const stale = await drop(`/files/${id}`, { 'if-match': '"1-1"' });
        assert.equal((await problemOf(stale)).type, 'precondition-failed');
        assert.equal(stale.headers.get('etag'), (await viewersOf(id)).etag);
        assert.equal((await service.status(id)).state, 'clean');
        for (let again = 0; again < 2; again++) {
          assert.equal((await drop(`/files/${id}`, { 'if-match': etag })).status, 204);
        }
      }
    });

    it('of a file that waits for its scan ends its bytes, and says no verdict', async () => {
      await service.fault({ operation: 'notify', effect: { kind: 'error', status: 503 } });
      const { id } = await service.upload('soon gone');
      assert.equal((await drop(`/files/${id}`)).status, 204);
      await service.clearFaults();
      await eventually(async () => !(await service.names('unscanned')).includes(id));
      assert.equal((await service.status(id)).state, 'deleted');
      assert.equal((await service.call('GET', `/files/${id}`)).status, 410);
      assert.ok((await service.events()).every(({ data }) => data.fileId !== id));
    });

    it('during its scan, after the content was found clean, still wins', async () => {
      // The bytes are in blobs/ already; the verdict is about to be written.
      await service.fault({
        operation: 'objects.rewrite',
        bucket: 'unscanned',
        times: 1,
        effect: { kind: 'error', status: 503, retryAfter: 2, when: 'after' },
      });
      const content = `found clean ${Date.now()}`;
      const before = (await service.names('permanent', 'blobs/')).length;
      const { id } = await service.upload(content);
      await eventually(async () => (await service.names('permanent', 'blobs/')).length > before);
      assert.equal((await service.status(id)).state, 'pending');
      assert.equal((await drop(`/files/${id}`)).status, 204);
      await eventually(async () => !(await service.names('unscanned')).includes(id));
      assert.equal((await service.status(id)).state, 'deleted');
      assert.equal((await service.call('GET', `/files/${id}`)).status, 410);
      assert.ok((await service.events()).every(({ data }) => data.fileId !== id));
      // Somebody else's file of the same content is as good as before.
      const again = await service.upload(content);
      assert.equal((await service.decided(again.id)).state, 'clean');
    });
  });

  describe('a listing', () => {
    const lister = 'org:333333333';
    const list = async (query: string, as = lister) => {
      const response = await service.call('GET', `/files${query}`, { as });
      const body = (await response.json()) as { files: { id: string; state: string }[]; next?: string };
      return { status: response.status, link: response.headers.get('link'), ...body };
    };
    const uploaded: string[] = [];
    before(async () => {
      for (let serial = 0; serial < 5; serial++) {
        const response = await service.call('POST', '/files', {
          as: lister,
          body: serial === 2 ? EICAR : 'x',
          headers: { prefer: 'wait=20' },
        });
        const { headers } = response;
        uploaded.unshift((headers.get('location') ?? '').slice(`${service.filesUrl}/files/`.length));
      }
      uploaded[2] = (await list('?state=infected')).files[0]?.id ?? '';
      await service.call('DELETE', `/files/${uploaded[0]}`, { as: lister });
    });

    it('has the files of others that are shared with the caller, in pages, until they are revoked', async () => {
      const receiver = 'org:444444444';
      const shared = uploaded.slice(3);
      const path = (id: string) => `/files/${id}/viewers/${receiver}`;
      for (const id of shared) await service.call('PUT', path(id), { as: lister });
      const first = await list('?shared=with-me&limit=1', receiver);
      assert.match(first.link ?? '', /shared=with-me/);
      const second = await list(`?shared=with-me&limit=1&cursor=${first.next}`, receiver);
      assert.deepEqual(
        [...first.files, ...second.files].map(({ id }) => id),
        shared,
      );
      assert.ok(first.files.every((file) => !('viewerCount' in file)));
      assert.deepEqual((await list('?shared=with-me')).files, []);
      assert.deepEqual((await list('', receiver)).files, []);
      for (const id of shared) await service.call('DELETE', path(id), { as: lister });
      assert.deepEqual((await list('?shared=with-me', receiver)).files, []);
      for (const query of [
        '?shared=x',
        '?shared=',
        `?shared=with-me&owner=${lister}`,
        '?shared=with-me&cursor=x',
      ])
        assert.equal((await service.call('GET', `/files${query}`)).status, 400, query);
    });

    it('has the own files, newest first, without the deleted', async () => {
      const { files, next, link } = await list('');
      assert.deepEqual(
        files.map(({ id }) => id),
        uploaded.slice(1),
      );
      assert.deepEqual([next, link], [undefined, null]);
      assert.ok(files.every((file) => 'viewerCount' in file && 'links' in file));
      assert.deepEqual((await list('', STRANGER)).files, []);
    });

    it('has the states that are asked for', async () => {
      for (const [query, states] of [
        ['?state=deleted', ['deleted']],
        ['?state=infected', ['infected']],
        ['?state=clean&state=infected', ['clean', 'infected', 'clean', 'clean']],
        ['?state=infected,deleted,expired', ['deleted', 'infected']],
        ['?state=failed', []],
      ] as const) {
        const { files } = await list(query);
        assert.deepEqual(
          files.map(({ state }) => state),
          states,
        );
      }
    });

    it('goes on where the cursor of a page, or its link, says', async () => {
      const seen: string[] = [];
      for (let query = '?limit=1&state=clean,infected,deleted'; query; ) {
        const page = await list(query);
        seen.push(...page.files.map(({ id }) => id));
        query = /^<\/files(\?[^>]+)>; rel="next"$/.exec(page.link ?? '')?.[1] ?? '';
        assert.equal(page.next === undefined, query === '');
      }
      assert.deepEqual(seen, uploaded);
    });

    it('refuses what it cannot read', async () => {
      for (const query of [
        '?limit=0',
        '?limit=1001',
        '?limit=x',
        '?state=odd',
        '?state=',
        '?cursor=x',
        '?cursor=',
        // A position is one among the caller's own files: an id, which may be of anybody's, is none.
        `?cursor=${Buffer.from(uploaded[0] ?? '').toString('base64url')}`,
      ]) {
        assert.equal((await list(query)).status, 400, query);
      }
    });

    it('of another owner is for administrators alone', async () => {
      assert.equal((await list(`?owner=${OWNER}`)).status, 403);
      const asked = { as: 'user:admin', scopes: ['admin'] } as const;
      const response = await service.call('GET', `/files?owner=${lister}`, asked);
      assert.equal(((await response.json()) as { files: object[] }).files.length, 4);
      assert.equal((await service.call('GET', '/files?owner=x', asked)).status, 400);
      assert.equal((await service.call('HEAD', '/files', asked)).status, 200);
    });
  });
});
