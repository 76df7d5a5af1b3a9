import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type MetadataServer,
  startMetadataServer,
} from '../../../infra/emulators/common/iam/metadata-server.ts';
import { Tokens } from '../../../infra/emulators/common/iam/tokens.ts';
import { type StorageEmulator, startStorageEmulator } from '../../../infra/emulators/storage/src/emulator.ts';
import { ensureClamd } from '../../../infra/local/clamav/install.ts';
import { emailOf, startIdentity } from '../../../infra/local/processes/identity.ts';
import { UNHURRIED } from '../../shared/storage/streams.ts';
import { without } from '../../support/grants.ts';
import { Mirror } from './mirror.ts';
import { NDB, NEWER, runMirrorJob } from './mirror-job.ts';

const YESTERDAY = Math.floor(Date.now() / 1000) - 86_400;
const HOST = { host: '127.0.0.1', project: 'fileshare-local' };

describe('the grants on the signature mirror', () => {
  const folder = mkdtempSync(join(tmpdir(), 'fileshare-mirror-grants-'));
  const servers: MetadataServer[] = [];
  let identity: Awaited<ReturnType<typeof startIdentity>>;
  let storage: StorageEmulator;
  let source: Mirror;
  let prefix = 0;

  before(async () => {
    await ensureClamd();
    identity = await startIdentity(folder, HOST);
    storage = await startStorageEmulator({
      folder: join(folder, 'storage'),
      iam: identity.iam,
      buckets: ['signatures'],
      mutationLimit: UNHURRIED,
    });
    source = await Mirror.start();
  });
  after(async () => {
    await source[Symbol.asyncDispose]();
    await storage.stop();
    for (const server of servers) await server.close();
    await identity.close();
    rmSync(folder, { recursive: true });
  });

  /** Fills an empty mirror, and then replaces what is in it. @returns the exit codes */
  async function filled(grants = identity.iam.grants): Promise<(number | null)[]> {
    const response = await fetch(`${storage.url}/_emulator/iam`, {
      method: 'PUT',
      body: JSON.stringify({ grants }),
    });
    assert.equal(response.status, 200);
    const tokens = new Tokens(identity.iam.secret);
    const metadata = await startMetadataServer({ ...HOST, tokens, account: emailOf('mirror') });
    servers.push(metadata);
    prefix += 1;
    const run = () =>
      runMirrorJob({
        SIGNATURE_MIRROR: `gs://signatures/mirror-${prefix}`,
        SIGNATURE_FILES: 'test.ndb',
        SIGNATURE_SOURCE: `http://${source.host}`,
        STORAGE_EMULATOR_HOST: storage.url,
        GCE_METADATA_HOST: metadata.host,
      });
    source.files.set('test.ndb', NDB);
    source.modifiedAt = YESTERDAY;
    const first = await run();
    source.files.set('test.ndb', NEWER);
    source.modifiedAt = YESTERDAY + 2 * 86_400;
    return [first.code, (await run()).code];
  }

  it('let the job fill the mirror', async () => {
    assert.deepEqual(await filled(), [0, 0]);
  });

  it('are all needed by the job', async () => {
    const grant = identity.iam.grants.find(({ name }) => name === 'mirror.signatures');
    assert.ok(grant && grant.permissions.length > 0);
    for (const permission of grant.permissions) {
      const codes = await filled(without(identity.iam.grants, grant.name, permission));
      assert.ok(
        codes.some((code) => code !== 0),
        permission,
      );
    }
  });

  it('let the sidecar read what the scanner may read, and nothing else', async () => {
    const authorization = `Bearer ${await new Tokens(identity.iam.secret).access(emailOf('scanner'))}`;
    const read = async (grants = identity.iam.grants) => {
      await fetch(`${storage.url}/_emulator/iam`, { method: 'PUT', body: JSON.stringify({ grants }) });
      const url = `${storage.url}/storage/v1/b/signatures/o/mirror-1%2Ftest.ndb?alt=media`;
      return (await fetch(url, { headers: { authorization } })).status;
    };
    assert.equal(await read(), 200);
    assert.equal(await read(without(identity.iam.grants, 'scanner.signatures', 'storage.objects.get')), 403);
  });
});
