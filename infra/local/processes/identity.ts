import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { IamOptions } from '../../emulators/common/iam/emulated-iam.ts';
import { startMetadataServer } from '../../emulators/common/iam/metadata-server.ts';
import { Tokens } from '../../emulators/common/iam/tokens.ts';
import deployment from '../deployment.json' with { type: 'json' };

const FUNCTIONS = ['upload', 'files', 'scanner', 'rescanner', 'sweeper'] as const;
type FunctionName = (typeof FUNCTIONS)[number];
/** Those that the Terraform module makes, an operator, and one that may do everything: for tools and tests. */
export type Account = FunctionName | 'push' | 'schedule' | 'operator' | 'administrator';

/** Where each function gets the tokens of its account: `host:port`. */
export type MetadataHosts = Readonly<Record<FunctionName, string>>;

/** The service accounts of the local platform, and what they may do. */
export interface Identity {
  readonly iam: IamOptions;
  readonly metadataHosts: MetadataHosts;
}

export function emailOf(account: string): string {
  return `fileshare-${account}@fileshare-local.iam.gserviceaccount.com`;
}

/** The tokens of the platform that keeps its data in `folder`. */
export function localTokens(folder: string): Tokens {
  return new Tokens(secretOf(folder));
}

/** The grants of the Terraform module, for local accounts, and a metadata server for each function. */
export async function startIdentity(
  folder: string,
  { host, project }: { readonly host: string; readonly project: string },
): Promise<Identity & { close(): Promise<void> }> {
  const secret = secretOf(folder);
  const tokens = new Tokens(secret);
  const servers = await Promise.all(
    FUNCTIONS.map((name) => startMetadataServer({ host, project, tokens, account: emailOf(name) })),
  );
  const hosts = FUNCTIONS.map((name, at) => [name, servers[at]?.host]);
  return {
    iam: { secret, administrator: emailOf('administrator'), grants: localGrants() },
    metadataHosts: Object.fromEntries(hosts) as unknown as MetadataHosts,
    async close() {
      await Promise.all(servers.map((server) => server.close()));
    },
  };
}

function localGrants(): IamOptions['grants'] {
  return deployment.grants.map(({ account, ...grant }) => ({ ...grant, account: emailOf(account) }));
}

/** Made at the first start; readable by its owner alone. */
function secretOf(folder: string): string {
  const path = join(folder, 'iam-secret');
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  const secret = randomBytes(32).toString('base64url');
  mkdirSync(folder, { recursive: true });
  writeFileSync(path, secret, { mode: 0o600, flag: 'wx' });
  return secret;
}
