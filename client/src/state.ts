import { homedir } from 'node:os';
import { join } from 'node:path';

/** Folder for configuration, by the XDG Base Directory Specification. */
export function configFolder(): string {
  const config = process.env['XDG_CONFIG_HOME'] || join(homedir(), '.config');
  return join(config, 'hops-fileshare');
}

/** Folder for state of this kind, by the XDG Base Directory Specification. */
export function stateFolder(kind: string): string {
  const state = process.env['XDG_STATE_HOME'] || join(homedir(), '.local', 'state');
  return join(state, 'hops-fileshare', kind);
}
