import assert from 'node:assert/strict';
import { Enforced, without } from '../support/grants.ts';
import { OWNER, Service } from '../support/service.ts';
import { complaint, document, left, notHeld, SUBSCRIPTION, verify } from './verify-fixture.ts';

describe('client: verify', () => {
  describe('at one address', () => {
    const service = new Service();
    const enforced = new Enforced(service);

    it('prints a table of promises, all held, and leaves nothing behind', async () => {
      const { code, stdout, stderr } = await verify(service, ['--url', service.url, ...SUBSCRIPTION]);
      const table = Buffer.from(stdout, 'latin1').toString();
      assert.equal(code, 0, table + stderr);
      assert.match(
        table,
        /^outcome +time {2}promise\nheld +\d+\.\d\d s {2}The upload and files functions answer/,
      );
      assert.match(table, /Every promise that was checked is held\. 31 held, 0 not held, 0 not checked\.\n$/);
      assert.deepEqual(await left(service), []);
    });

    it('leaves the events of others to whom they are for', async () => {
      const { id } = await service.upload('of somebody else');
      await service.decided(id);
      const found = await document(service, ['--url', service.url, ...SUBSCRIPTION]);
      assert.deepEqual(notHeld(found), []);
      const pull = `http://${service.platform.pubsubHost}/v1/${SUBSCRIPTION[1]}:pull`;
      const response = await fetch(pull, { method: 'POST', body: '{"maxMessages": 1000}' });
      const { receivedMessages } = (await response.json()) as {
        receivedMessages: { message: { data: string } }[];
      };
      const data = receivedMessages.map(({ message }) => Buffer.from(message.data, 'base64').toString());
      assert.ok(data.some((event) => event.includes(id)));
      assert.ok(!data.some((event) => /"verdict":"infected"/.test(event)), 'its own are acknowledged');
      await service.call('DELETE', `/files/${id}`);
    });

    it('shows what it could not check as not checked', async () => {
      const found = await document(service, ['--url', service.url], { env: { FILESHARE_OTHER_TOKEN: '' } });
      assert.equal(found.held, true);
      const notes = found.promises.flatMap(({ id, outcome, note }) =>
        outcome === 'not checked' ? [`${id}: ${note}`] : [],
      );
      assert.deepEqual(notes, [
        'stranger: no second token: set --other-token or FILESHARE_OTHER_TOKEN',
        'sharing: no second token: set --other-token or FILESHARE_OTHER_TOKEN',
        'events: no --subscription',
      ]);
    });

    it('does not check sharing of a principal with itself', async () => {
      const again = await service.platform.token(OWNER);
      const found = await document(service, ['--url', service.url, '--other-token', again]);
      assert.ok(notHeld(found).includes('stranger'), 'it sees the file');
      assert.match(found.promises.find(({ id }) => id === 'sharing')?.note ?? '', /both tokens/);
    });

    it('goes on after a missing grant, names it, and exits with 5', async () => {
      const granted = await enforced.grants();
      await enforced.replace(without(granted, 'upload.names', 'storage.objects.list'));
      const { code, stdout } = await verify(service, ['--url', service.url]);
      await enforced.replace(granted);
      assert.equal(code, 5);
      const [, row = ''] = /^(NOT HELD[\s\S]*?)\nheld/m.exec(stdout) ?? [];
      assert.match(row, /A retry with the same Idempotency-Key gets the same file/);
      assert.match(row, /^ +got +500 internal/m);
      assert.match(row, /^ +look at .*StorageError 403.*storage\.objects\.list on the permanent bucket/m);
      assert.match(stdout, /\nNot held: upload-post-key, upload-tus\. 25 held, 2 not held/);
      assert.deepEqual(await left(service), []);
    });

    for (const [grant, permission, id, look] of [
      ['files.contents', 'storage.objects.get', 'download-whole', /500 internal.*get on files\/ and blobs\//],
      ['files.findings', 'storage.objects.get', 'verdict-signed', /500 internal.*VERDICT_KEY of the files/],
      ['files.records', 'storage.objects.update', 'sharing', /500 internal.*get and update on files\//],
      [
        'scanner.quarantine',
        'storage.objects.create',
        'verdict-infected',
        /still pending.*scan not completed/,
      ],
      ['scanner_events', 'pubsub.topics.publish', 'events', /^0, none for .*roles\/pubsub\.publisher/],
    ] as const) {
      it(`names ${id} where ${grant} has no ${permission}`, async () => {
        const granted = await enforced.grants();
        await enforced.replace(without(granted, grant, permission));
        const args = ['--url', service.url, '--timeout', '5', ...SUBSCRIPTION];
        const found = await document(service, args).finally(() => enforced.replace(granted));
        assert.match(complaint(found, id), look);
      });
    }

    it('says what refuses a token', async () => {
      const bad = await document(service, ['--url', service.url, '--token', 'nonsense']);
      assert.match(complaint(bad, 'token'), /401 unauthenticated.*TOKEN_ISSUERS/);
      const read = await service.platform.token(OWNER, ['read']);
      const readOnly = await document(service, ['--url', service.url, '--token', read]);
      assert.match(complaint(readOnly, 'token'), /403 insufficient-scope.*scopes/);
      assert.deepEqual(notHeld(readOnly), ['token']);
      const [, , token, ...rest] = readOnly.promises;
      assert.equal(token?.id, 'token');
      assert.ok(rest.every(({ outcome }) => outcome === 'not checked'));
      assert.deepEqual(
        [rest[0]?.note, rest.at(-1)?.note],
        ['token is not held, see above', 'nothing was uploaded'],
      );
    });

    it('says why it gets no events', async () => {
      const none = 'projects/fileshare-local/subscriptions/none-of-these';
      const found = await document(service, ['--url', service.url, '--subscription', none]);
      assert.deepEqual(notHeld(found), ['events']);
      assert.match(complaint(found, 'events'), /404.*roles\/pubsub\.subscriber/);
    });

    it('deletes what it made when it is interrupted', async () => {
      // Without the grant that is taken away above, nothing could be deleted.
      const before = await left(service);
      let interrupted = false;
      const { code, stdout } = await verify(service, ['--url', service.url], {
        watch: (output, kill) => {
          if (interrupted || !/40 MiB are uploaded/.test(output)) return;
          interrupted = true;
          kill('SIGINT');
        },
      });
      assert.equal(code, 130, stdout);
      assert.match(stdout, /not checked +- +.*\(interrupted\)/);
      assert.match(stdout, /\nheld +\d.* Nothing of this run is left \([2-9] files deleted\)/);
      assert.deepEqual(await left(service), before);
    });

    it('takes no nonsense', async () => {
      const token = await service.platform.token(OWNER);
      for (const [args, wrong] of [
        [['--subscription', 'events'], /should be projects/],
        [['--token', token, '--other-token', token], /another principal/],
      ] as const) {
        const { code, stderr } = await verify(service, ['--url', service.url, ...args]);
        assert.equal(code, 2);
        assert.match(stderr, wrong);
      }
    });
  });
});
