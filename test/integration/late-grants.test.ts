import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Grant } from '../../infra/emulators/common/iam/policy.ts';
import { emailOf } from '../../infra/local/processes/identity.ts';
import { Enforced, without } from '../support/grants.ts';
import { eventually, Service } from '../support/service.ts';

const PENDING_MS = 1_000;

describe('a grant that does not hold yet', () => {
  const service = new Service(
    {},
    {
      adapt: (spec) =>
        spec.name === 'storage' ? { ...spec, env: { ...spec.env, BACKOFF_MS: '50-500' } } : spec,
    },
  );
  const enforced = new Enforced(service);
  let grants: readonly Grant[];

  before(async () => {
    grants = await enforced.grants();
  });
  beforeEach(() => enforced.forget());
  afterEach(() => enforced.replace(grants));

  const logged = (name: string, pattern: RegExp) =>
    eventually(async () =>
      pattern.test(readFileSync(join(service.platform.status().data, `logs/${name}.log`), 'utf8')),
    );

  for (const [grant, permission, resource] of [
    ['scanner.source', 'storage.objects.get', '/storage/v1/b/unscanned/o/'],
    ['scanner.verdicts', 'storage.objects.create', '/upload/storage/v1/b/permanent/o'],
    ['scanner.contents', 'storage.objects.create', '/rewriteTo/b/permanent/o/blobs/sha256/'],
  ] as const) {
    it(`lets files wait where it is ${permission} of ${grant}, and says so; later they are clean`, async () => {
      await enforced.replace(without(grants, grant, permission));
      const { id } = await service.upload(randomBytes(1_000));
      await eventually(() => enforced.isRefused(emailOf('scanner'), permission));
      await new Promise((resolve) => setTimeout(resolve, PENDING_MS));
      assert.equal((await service.status(id)).state, 'pending');
      const account = emailOf('scanner').replaceAll('.', '\\.');
      await logged('scanner', new RegExp(`${account} does not have ${permission} access.*${resource}`));
      await enforced.replace(grants);
      assert.equal((await service.decided(id)).state, 'clean');
    });
  }

  it('lets events wait where it is to publish, and says so; later they come', async () => {
    await enforced.replace(without(grants, 'scanner_events', 'pubsub.topics.publish'));
    const { id } = await service.upload(randomBytes(1_000));
    await eventually(() => enforced.isRefused(emailOf('scanner'), 'pubsub.topics.publish'));
    await logged(
      'scanner',
      /Permission 'pubsub\.topics\.publish' denied on projects\/fileshare-local\/topics\/scan-events/,
    );
    assert.equal(
      (await service.events()).some(({ data }) => data.fileId === id),
      false,
    );
    await enforced.replace(grants);
    await eventually(async () => (await service.events()).some(({ data }) => data.fileId === id));
  });

  it('refuses an upload with a problem that says where to look, and keeps nothing of it', async () => {
    await enforced.replace([]);
    const refused = await service.call('POST', '/files', { body: 'bytes' });
    assert.equal(refused.status, 500);
    const { detail } = (await refused.json()) as { detail?: string };
    assert.match(detail ?? '', /lacks a permission.*log/);
    await logged(
      'upload',
      new RegExp(`${emailOf('upload')} does not have storage\\.objects\\.create access`),
    );
    await enforced.replace(grants);
    const { id } = await service.upload(randomBytes(1_000));
    assert.equal((await service.decided(id)).state, 'clean');
    await eventually(async () => (await service.names('unscanned')).length === 0);
  });
});
