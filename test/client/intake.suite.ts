import assert from 'node:assert/strict';
import { isIntakePaused } from '../../client/src/index.ts';
import { named } from '../support/deployments.ts';
import { eventually, Service } from '../support/service.ts';
import { clientOf, commandLine, Folder } from './fixture.ts';

describe('the command line pauses the intake', () => {
  const service = new Service({}, { adapt: named('here') });
  const folder = new Folder();
  const fileshare = commandLine(service, folder);
  let env: Record<string, string>;

  before(async () => {
    const { sweeperUrl } = service.platform;
    const operator = await service.platform.identityToken('operator', sweeperUrl);
    env = { FILESHARE_SWEEPER_URL: sweeperUrl, FILESHARE_OPERATOR_TOKEN: operator };
  });
  const admin = async (...args: string[]): Promise<string> => {
    const { code, stdout, stderr } = await fileshare(['admin', ...args], { env });
    assert.equal(code, 0, stderr);
    return stdout.trimEnd();
  };

  it('with a reason, which an upload that is refused and every client are told, and resumes it', async () => {
    assert.match(
      await admin('pause', 'The storage is moved', '--until', '2h'),
      /^intake +paused since .*: The/,
    );
    const client = clientOf(service);
    const error = await eventually(() =>
      client.upload(new Blob(['x'])).then(
        () => undefined,
        (error: unknown) => error,
      ),
    );
    assert.ok(isIntakePaused(error), String(error));
    assert.equal(
      (await eventually(async () => paused(await client.notice()))).reason,
      'The storage is moved',
    );
    const refused = await fileshare(['upload', '-'], { input: Buffer.from('x') });
    assert.equal(refused.code, 5);
    assert.match(refused.stderr, /New uploads are paused: The storage is moved \(until .*Z\) \(503\)/);
    const json = JSON.parse(await admin('intake', '--json')) as { intake: { state: string } };
    assert.equal(json.intake.state, 'paused');
    assert.match(await admin('resume'), /^intake +open/);
    assert.match(await admin('intake'), /^deployment +here since /m);
    await eventually(async () => !paused(await client.notice()));
    assert.equal(
      (await eventually(() => client.upload(new Blob(['x'])).catch(() => undefined))).state,
      'pending',
    );
  });

  it('and tells users something, and nothing any more', async () => {
    assert.match(
      await admin('notice', 'Slow today', '--level', 'warning'),
      /^notice +shown, warning by .*: Slow today$/m,
    );
    const { notice } = await eventually(async () => {
      const told = await clientOf(service).notice();
      return told.notice && told;
    });
    assert.deepEqual(notice, { text: 'Slow today', level: 'warning' });
    assert.match(await admin('notice', 'Later', '--from', '1d'), /^notice +not shown now, info, from /m);
    assert.doesNotMatch(await admin('notice', '--clear'), /notice/);
    for (const args of [['notice'], ['notice', 'x', '--clear']]) {
      assert.equal((await fileshare(['admin', ...args], { env })).code, 2);
    }
  });

  it('and takes over nothing, where the buckets belong to this deployment', async () => {
    assert.match(await admin('adopt', '--from', 'anything'), /^deployment +here/m);
    assert.equal((await fileshare(['admin', 'adopt'], { env })).code, 2);
  });
});

function paused({ intake }: { readonly intake: { readonly state: string; readonly reason?: string } }) {
  return intake.state === 'paused' && intake;
}
