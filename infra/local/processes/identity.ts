import type { IamOptions } from '../../emulators/common/iam/emulated-iam.ts';
import { startMetadataServer } from '../../emulators/common/iam/metadata-server.ts';
import { Tokens } from '../../emulators/common/iam/tokens.ts';
import deployment from '../deployment.json' with { type: 'json' };
import { localSecret } from '../keys/local-secret.ts';

const FUNCTIONS = [
  'upload',
  'files',
  'scanner',
  'rescanner',
  'sweeper',
  'auditor',
  'exporter',
  'notify',
] as const;
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
  return new Tokens(localSecret(folder, 'iam-secret'));
}

/** The grants of the Terraform module, for local accounts, and a metadata server for each function. */
export async function startIdentity(
  folder: string,
  { host, project }: { readonly host: string; readonly project: string },
): Promise<Identity & { close(): Promise<void> }> {
  const secret = localSecret(folder, 'iam-secret');
  const tokens = new Tokens(secret);
  const servers = await Promise.all(
    FUNCTIONS.map((name) => startMetadataServer({ host, project, tokens, account: emailOf(name) })),
  );
  const hosts = FUNCTIONS.map((name, at) => [name, servers[at]?.host]);
  return {
    iam: { secret, administrator: emailOf('administrator'), grants: localGrants() },
    // Object.fromEntries forgets that each function has its host.
    metadataHosts: Object.fromEntries(hosts) as unknown as MetadataHosts,
    async close() {
      await Promise.all(servers.map((server) => server.close()));
    },
  };
}

function localGrants(): IamOptions['grants'] {
  return deployment.grants.map(({ account, ...grant }) => ({ ...grant, account: emailOf(account) }));
}
