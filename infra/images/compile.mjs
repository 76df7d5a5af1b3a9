/**
 * `node compile.mjs FUNCTION` while an image is built: starts the function, waits for its /healthz, and ends it, so that
 * Node writes what it compiled to NODE_COMPILE_CACHE. Fails where the function does not start, or leaves nothing.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

const FRAMEWORK = 'node_modules/@google-cloud/functions-framework/build/src/main.js';
const PORT = '8080';
const START_WITHIN_MS = 60_000;
const PUBLISHING = new Set(['files', 'scanner', 'sweeper']);

/** Enough for every function to start; none of it is reached, and none of it is kept. */
const ENVIRONMENT = {
  GOOGLE_CLOUD_PROJECT: 'build',
  PERMANENT_BUCKET: 'build',
  UNSCANNED_BUCKET: 'build',
  SCAN_EVENTS_TOPIC: 'build',
  FINALIZE_TOPIC: 'build',
  FILES_URL: 'https://build',
  RESCAN_TOPIC: 'build',
  DEAD_LETTER_CALLER: 'build',
  SCHEDULE_CALLER: 'build',
  CLAMD_TEMP_DIR: '/tmp',
  CALLBACK_KEYS: `whsec_${Buffer.alloc(32).toString('base64')}`,
  METADATA_SERVER_DETECTION: 'none',
  TOKEN_ISSUERS: JSON.stringify([{ kind: 'maskinporten' }]),
};

const [name] = process.argv.slice(2);
const port = process.env.PORT ?? PORT;
const child = spawn(
  process.execPath,
  [FRAMEWORK, `--target=${name}`, `--source=bundled/functions/${name}/index.mjs`, `--port=${port}`],
  { stdio: 'inherit', env: { ...process.env, ...ENVIRONMENT } },
);
const exited = once(child, 'exit');
await healthy();
child.kill('SIGTERM');
await exited;

// The first request to Google Cloud loads the one, the first event that is published the other.
const late = ['google-auth-library', ...(PUBLISHING.has(name) ? ['@google-cloud/pubsub'] : [])];
for (const library of late) {
  await once(spawn(process.execPath, ['-e', `require('${library}')`], { stdio: 'inherit' }), 'exit');
}

const cache = process.env.NODE_COMPILE_CACHE;
if (!cache || readdirSync(cache, { recursive: true }).length < 100) throw new Error('nothing was compiled');

async function healthy() {
  const deadline = Date.now() + START_WITHIN_MS;
  while (Date.now() < deadline && child.exitCode === null) {
    const answer = await fetch(`http://127.0.0.1:${port}/healthz`).catch(() => undefined);
    if (answer?.status === 200) return;
    await delay(50);
  }
  child.kill('SIGKILL');
  throw new Error(`${name} does not start`);
}
