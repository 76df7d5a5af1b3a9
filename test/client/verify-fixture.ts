import assert from 'node:assert/strict';
import { join } from 'node:path';
import type { Handle } from '../../client/src/index.ts';
import { OWNER, type Service } from '../support/service.ts';
import { type Ran, type RunOptions, run } from './fixture.ts';

const MAIN = join(import.meta.dirname, '../../client/src/cli/main.ts');
export const OTHER = 'org:974652269';
export const SUBSCRIPTION = ['--subscription', 'projects/fileshare-local/subscriptions/scan-events-cli'];

export interface Verified {
  readonly held: boolean;
  readonly promises: readonly {
    readonly id: string;
    readonly outcome: 'held' | 'not held' | 'not checked';
    readonly ms: number;
    readonly got?: string;
    readonly look?: string;
    readonly note?: string;
  }[];
}

export async function verify(
  service: Service,
  args: readonly string[],
  { env = {}, ...options }: RunOptions = {},
): Promise<Ran> {
  const tokens = {
    FILESHARE_TOKEN: await service.platform.token(OWNER),
    FILESHARE_OTHER_TOKEN: await service.platform.token(OTHER),
    PUBSUB_EMULATOR_HOST: service.platform.pubsubHost,
    FILESHARE_URL: '',
  };
  const [node, command] = [process.execPath, [MAIN, 'verify', '--timeout', '30', ...args]];
  return run(node, command, { ...options, env: { ...tokens, ...env } });
}

export async function document(
  service: Service,
  args: readonly string[],
  options?: RunOptions,
): Promise<Verified> {
  const { stdout, stderr } = await verify(service, ['--json', ...args], options);
  try {
    return JSON.parse(Buffer.from(stdout, 'latin1').toString()) as Verified;
  } catch {
    throw new Error(stdout + stderr);
  }
}

/** Files that either principal has, but for deleted ones. */
export async function left(service: Service): Promise<readonly Handle[]> {
  const lists = [OWNER, OTHER].map(async (as) => {
    const { files } = (await (await service.call('GET', '/files', { as })).json()) as { files: Handle[] };
    return files;
  });
  return (await Promise.all(lists)).flat();
}

export function notHeld({ promises }: Verified): readonly string[] {
  return promises.filter(({ outcome }) => outcome === 'not held').map(({ id }) => id);
}

/** Its report on one promise that is not held. */
export function complaint({ promises }: Verified, id: string): string {
  const found = promises.find((promise) => promise.id === id);
  assert.equal(found?.outcome, 'not held', id);
  return `${found.got} ${found.look}`;
}
