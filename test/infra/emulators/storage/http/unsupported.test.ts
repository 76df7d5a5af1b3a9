import assert from 'node:assert/strict';
import type { Reply } from '../../../../contract/storage/http.ts';
import { BUCKET, EmulatorFixture, objectPath } from '../emulator-fixture.ts';

const OBJECTS = `/storage/v1/b/${BUCKET}/o`;
const UPLOAD = `/upload/storage/v1/b/${BUCKET}/o`;

interface Detail {
  readonly message: string;
  readonly domain: string;
  readonly reason: string;
  readonly locationType?: string;
  readonly location?: string;
}

/** `400 invalidParameter parameter matchGlob`, from an error body as Google's. */
function refused(reply: Reply): string {
  const { error }: { error: { code: number; message: string; errors: [Detail] } } = JSON.parse(reply.text);
  const [{ message, domain, reason, locationType, location }] = error.errors;
  assert.equal(error.code, reply.status);
  assert.equal(error.message, message);
  assert.equal(domain, 'global');
  return `${reply.status} ${reason} ${locationType} ${location}`;
}

describe('storage emulator: features that it does not have', () => {
  const fixture = new EmulatorFixture();
  before(() => fixture.put('x', 'content'));

  for (const [method, path, parameters] of [
    [
      'GET',
      OBJECTS,
      ['matchGlob=*', 'softDeleted=true', 'filter=contexts.a:*', 'userProject=p', 'typo=1', 'callback=f'],
    ],
    ['GET', objectPath('x'), ['softDeleted=true', 'restoreToken=t', 'userProject=p']],
    ['GET', `${objectPath('x')}?alt=media&`, ['fields=size']],
    ['PATCH', objectPath('x'), ['userProject=p', 'overrideUnlockedRetention=true']],
    ['DELETE', objectPath('x'), ['userProject=p', 'matchGlob=*']],
    ['POST', `${objectPath('x')}/compose`, ['kmsKeyName=k', 'deleteSourceObjects=true', 'userProject=p']],
    ['POST', `${objectPath('x')}/rewriteTo/b/${BUCKET}/o/y`, ['destinationKmsKeyName=k', 'userProject=p']],
    [
      'POST',
      `${UPLOAD}?uploadType=media&name=y&`,
      ['kmsKeyName=k', 'userProject=p', 'ifSourceGenerationMatch=1'],
    ],
    ['GET', '/storage/v1/b', ['pageToken=t', 'softDeleted=true', 'maxResults=1']],
    ['POST', '/storage/v1/b', ['enableObjectRetention=true', 'userProject=p']],
    ['GET', `/storage/v1/b/${BUCKET}`, ['generation=1', 'softDeleted=true', 'userProject=p']],
  ] as const) {
    it(`refuses parameters of ${method} ${path} with Google’s error body`, async () => {
      for (const parameter of parameters) {
        const query = `${path.includes('?') ? '' : '?'}${parameter}`;
        const reply = await fixture.call(method, path + query, method === 'GET' ? {} : { json: {} });
        if (path.includes('alt=media')) assert.match(reply.text, /fields/);
        else
          assert.equal(
            refused(reply),
            `400 invalidParameter parameter ${parameter.split('=')[0]}`,
            reply.text,
          );
      }
      assert.equal((await fixture.call('GET', objectPath('x'))).ok().metageneration, '1');
    });
  }

  it('refuses predefined ACLs in the words of uniform bucket-level access', async () => {
    for (const path of [`${UPLOAD}?uploadType=media&name=y&predefinedAcl=private`]) {
      const reply = await fixture.call('POST', path, { body: 'x' });
      assert.equal(reply.refusal, '400 invalid');
      assert.match(reply.text, /Cannot insert legacy ACL .* uniform bucket-level access is enabled/);
    }
  });

  it('refuses another format than JSON, and a parameter that was given twice', async () => {
    assert.equal(
      refused(await fixture.call('GET', `${OBJECTS}?alt=proto`)),
      '400 invalidParameter parameter alt',
    );
    assert.equal(
      refused(await fixture.call('GET', `${OBJECTS}?prefix=a&prefix=b`)),
      '400 invalidParameter parameter prefix',
    );
  });

  it('refuses headers that choose a feature', async () => {
    for (const name of [
      'x-goog-encryption-algorithm',
      'x-goog-encryption-key-sha256',
      'x-goog-copy-source-encryption-algorithm',
      'x-goog-user-project',
      'x-goog-acl',
      'x-goog-meta-a',
      'x-goog-storage-class',
      'x-goog-if-generation-match',
      'if-modified-since',
      'x-http-method-override',
    ]) {
      const reply = await fixture.call('PATCH', objectPath('x'), { json: {}, headers: { [name]: 'a' } });
      assert.equal(refused(reply), `400 invalidParameter header ${name}`);
    }
    const ifMatch = await fixture.call('DELETE', objectPath('x'), { headers: { 'if-match': 'a' } });
    assert.equal(refused(ifMatch), '400 invalidParameter header if-match');
    assert.equal((await fixture.call('GET', objectPath('x'))).ok().metageneration, '1');
  });

  it('refuses fields of an object in every body that has one', async () => {
    const fields = {
      acl: [{ entity: 'allUsers', role: 'READER' }],
      contexts: { custom: { a: { value: 'b' } } },
      kmsKeyName: 'k',
      retention: { mode: 'Locked', retainUntilTime: '2027-01-01T00:00:00Z' },
      unknown: 1,
    };
    for (const [name, value] of Object.entries(fields)) {
      const json = { [name]: value };
      const sourceObjects = [{ name: 'x' }];
      for (const reply of [
        await fixture.call('PATCH', objectPath('x'), { json }),
        await fixture.call('PUT', objectPath('x'), { json }),
        await fixture.call('POST', `${UPLOAD}?uploadType=resumable&name=y`, { json }),
        await fixture.call('POST', `${objectPath('x')}/rewriteTo/b/${BUCKET}/o/y`, { json }),
        await fixture.call('POST', `${objectPath('y')}/compose`, {
          json: { sourceObjects, destination: json },
        }),
        await fixture.call('POST', `${objectPath('y')}/compose`, { json: { sourceObjects, ...json } }),
      ]) {
        assert.equal(refused(reply), `400 invalid body ${name}`);
      }
    }
    const none = { acl: [], contexts: null, owner: { entity: 'user' } };
    assert.equal((await fixture.call('PATCH', objectPath('x'), { json: none })).status, 200);
  });

  it('refuses a change of storage class but by rewriting, and classes that are none', async () => {
    const change = (storageClass: string) =>
      fixture.call('PATCH', objectPath('x'), { json: { storageClass } });
    assert.equal((await change('STANDARD')).status, 200);
    assert.equal((await change('NEARLINE')).refusal, '400 invalid');
    const rewrite = (storageClass: string) =>
      fixture.call('POST', `${objectPath('x')}/rewriteTo/b/${BUCKET}/o/cold`, { json: { storageClass } });
    assert.equal((await rewrite('FROZEN')).refusal, '400 invalid');
    assert.equal((await rewrite('NEARLINE')).status, 200);
    assert.equal((await fixture.call('GET', objectPath('cold'))).ok()['storageClass'], 'NEARLINE');
  });

  it('refuses an upload whose resource names another bucket', async () => {
    const path = `${UPLOAD}?uploadType=resumable&name=y`;
    assert.equal((await fixture.call('POST', path, { json: { bucket: 'other' } })).refusal, '400 invalid');
  });

  it('refuses settings of a bucket that it would not enforce, and accepts that they are off', async () => {
    const condition = { age: 1 };
    const rule = { action: { type: 'SetStorageClass', storageClass: 'NEARLINE' }, condition };
    const versions = { action: { type: 'Delete' }, condition: { ...condition, numNewerVersions: 1 } };
    const bare = { action: { type: 'Delete' }, condition: {} };
    for (const [name, on, off] of [
      ['versioning', { enabled: true }, { enabled: false }],
      ['defaultEventBasedHold', true, false],
      ['softDeletePolicy', { retentionDurationSeconds: '604800' }, { retentionDurationSeconds: '0' }],
      ['lifecycle', { rule: [rule] }, { rule: [] }],
      ['lifecycle', { rule: [versions] }, {}],
      ['lifecycle', { rule: [bare] }, { rule: null }],
      ['autoclass', { enabled: true }, { enabled: false }],
      ['billing', { requesterPays: true }, { requesterPays: false }],
      ['hierarchicalNamespace', { enabled: true }, { enabled: false }],
      ['encryption', { defaultKmsKeyName: 'k' }, null],
      ['cors', [{ origin: ['*'] }], []],
      ['logging', { logBucket: 'b' }, null],
      ['website', { mainPageSuffix: 'i' }, null],
      ['acl', [{ entity: 'allUsers' }], []],
      [
        'iamConfiguration',
        { uniformBucketLevelAccess: { enabled: false } },
        { uniformBucketLevelAccess: { enabled: true } },
      ],
    ] as const) {
      const patch = (value: unknown) =>
        fixture.call('PATCH', `/storage/v1/b/${BUCKET}`, { json: { [name]: value } });
      assert.equal(refused(await patch(on)), `400 invalid body ${name}`);
      assert.equal((await patch(off)).status, 200, name);
    }
  });

  it('refuses decompressive transcoding', async () => {
    await fixture.put('packed', 'x', '&contentEncoding=gzip');
    const path = `${objectPath('packed')}?alt=media`;
    const reply = await fixture.call('GET', path, { headers: { 'accept-encoding': 'identity' } });
    assert.equal(reply.status, 400);
  });
});

describe('storage emulator: parameters that change nothing', () => {
  const fixture = new EmulatorFixture();

  it('are accepted, as Google’s clients send them', async () => {
    await fixture.put(
      'x',
      'content',
      '&prettyPrint=false&alt=json&key=k&quotaUser=u&projection=full&%24.xgafv=1',
    );
    for (const [method, path] of [
      ['GET', `${OBJECTS}?versions=True&includeFoldersAsPrefixes=True&projection=noAcl&softDeleted=false`],
      ['GET', `${objectPath('x')}?projection=full&softDeleted=false`],
      ['GET', `/storage/v1/b/${BUCKET}/notificationConfigs`],
      ['DELETE', `${objectPath('x')}?prefix=x`],
    ] as const) {
      const headers = { 'x-goog-api-client': 'a', 'x-goog-gcs-idempotency-token': 'b' };
      const reply = await fixture.call(method, path, { headers });
      assert.ok(reply.status < 300, `${path}: ${reply.text}`);
    }
  });
});

describe('storage emulator: partial responses', () => {
  const fixture = new EmulatorFixture();
  const list = async (fields: string) =>
    (await fixture.call('GET', `${OBJECTS}?fields=${encodeURIComponent(fields)}&delimiter=/`)).json;
  before(async () => {
    await fixture.put('a', 'one');
    await fixture.put('b/c', 'two');
  });

  it('have the selected fields alone', async () => {
    assert.deepEqual(await list('prefixes,items/name,items/size,nextPageToken'), {
      prefixes: ['b/'],
      items: [{ name: 'a', size: '3' }],
    });
    assert.deepEqual(await list('items(name, size)'), { items: [{ name: 'a', size: '3' }] });
    assert.deepEqual(await list('kind'), { kind: 'storage#objects' });
    const all = await list('*');
    assert.deepEqual(await list('kind,prefixes,items'), all);
    const object = await fixture.call('GET', `${objectPath('a')}?fields=size,metadata/any`);
    assert.deepEqual(object.json, { size: '3' });
    const to = `${objectPath('a')}/rewriteTo/b/${BUCKET}/o/d?fields=done,resource/name`;
    assert.deepEqual((await fixture.call('POST', to, { json: {} })).json, {
      done: true,
      resource: { name: 'd' },
    });
  });

  it('are refused for a selection that is none', async () => {
    for (const fields of ['bogus', 'items/bogus', 'items(name', 'items)', ',', 'name', 'kind/x', '']) {
      const reply = await fixture.call('GET', `${OBJECTS}?fields=${encodeURIComponent(fields)}`);
      assert.equal(refused(reply), '400 invalidParameter parameter fields', fields);
      assert.match(reply.text, /Invalid field selection/);
    }
  });
});

describe('storage emulator: HEAD', () => {
  const fixture = new EmulatorFixture();

  it('answers as GET does, without a body, for metadata and for media', async () => {
    await fixture.put('x', 'content');
    for (const path of [objectPath('x'), `${objectPath('x')}?alt=media`]) {
      const get = await fixture.call('GET', path);
      const head = await fixture.call('HEAD', path);
      assert.equal(head.status, 200);
      assert.equal(head.bytes.length, 0);
      for (const name of ['content-length', 'content-type', 'x-goog-hash', 'x-goog-generation']) {
        assert.equal(head.headers.get(name), get.headers.get(name), `${name} of ${path}`);
      }
    }
    assert.equal((await fixture.call('HEAD', objectPath('gone'))).status, 404);
  });

  it('If-Range serves the range of the version that it names, and all of another', async () => {
    const { etag } = (await fixture.call('GET', objectPath('x'))).ok();
    const ranged = (validator: string) =>
      fixture.call('GET', `${objectPath('x')}?alt=media`, {
        headers: { range: 'bytes=0-2', 'if-range': validator },
      });
    assert.equal((await ranged(`"${etag}"`)).text, 'con');
    assert.equal((await ranged('"other"')).text, 'content');
  });
});
