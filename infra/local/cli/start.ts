/** `npm start`: the whole product on one machine, until Ctrl-C. */
import { resolve } from 'node:path';
import { banner } from '../page/banner.ts';
import { startPlatform } from '../platform/platform.ts';
import { readPlatformConfig } from '../processes/config.ts';
import { untilStopped } from './until-stopped.ts';

const PROJECT = resolve(import.meta.dirname, '../../..');
/** Where `npm run callbacks` listens. */
const CALLBACK_ORIGINS = 'http://127.0.0.1:9090,http://localhost:9090';
const print = (line: string) => console.log(line);

const stop = untilStopped(print);
try {
  const config = readPlatformConfig({ CALLBACK_ORIGINS, ...process.env }, PROJECT);
  const platform = await startPlatform(config, { print, signal: stop });
  const { developmentSignatures } = platform.status();
  const tookMs = performance.now();
  print(banner({ ...platform, data: config.data, tookMs, development: developmentSignatures === true }));
  await new Promise((done) => stop.addEventListener('abort', done));
  await platform.stop();
  print('Stopped.');
} catch (error) {
  if (!stop.aborted) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
}
process.exit();
