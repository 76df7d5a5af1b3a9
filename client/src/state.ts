import { homedir } from 'node:os';
import { join } from 'node:path';

/** Folder for state of this kind, by the XDG Base Directory Specification. */
export function stateFolder(kind: string): string {
  const state = process.env['XDG_STATE_HOME'] || join(homedir(), '.local', 'state');
  return join(state, 'hops-fileshare', kind);
}
