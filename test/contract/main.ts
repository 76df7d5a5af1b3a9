import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { parseArgs } from 'node:util';
import { kindOf } from './storage/subject.ts';
import { type PubSubTarget, type Target, targetEnv } from './target.ts';

const USAGE = `npm run test:contract -- [--endpoint URL [--bucket NAME]] [--pubsub HOST:PORT] [-- MOCHA OPTIONS]

  --endpoint   Cloud Storage, or something that emulates it: http://127.0.0.1:9000, https://storage.googleapis.com
               (by Application Default Credentials)
  --bucket     an existing bucket to use; without it the suite makes and deletes its own
  --pubsub     a Pub/Sub emulator
`;

const { values, positionals } = parseArgs({
  options: {
    endpoint: { type: 'string' },
    bucket: { type: 'string' },
    pubsub: { type: 'string' },
    help: { type: 'boolean' },
  },
  allowPositionals: true,
});

if (values.help || (values.endpoint === undefined && values.pubsub === undefined)) {
  process.stderr.write(USAGE);
  process.exit(values.help ? 0 : 2);
}

/** Only our emulator takes orders for faults. */
async function pubsubAt(host: string): Promise<PubSubTarget> {
  const { status } = await fetch(`http://${host}/_emulator/faults`);
  return { host, kind: status === 404 ? 'google' : 'ours' };
}

const url = values.endpoint?.replace(/\/+$/, '');
const target: Target = {
  ...(url !== undefined && { storage: { url, kind: await kindOf(url), bucket: values.bucket } }),
  ...(values.pubsub !== undefined && { pubsub: await pubsubAt(values.pubsub) }),
};
const mocha = spawn('mocha', ['test/contract/*.suite.ts', ...positionals], {
  stdio: 'inherit',
  env: { ...process.env, ...targetEnv(target) },
});
const [code] = await once(mocha, 'exit');
process.exitCode = code ?? 1;
