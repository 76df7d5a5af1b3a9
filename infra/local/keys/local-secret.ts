import { randomBytes } from 'node:crypto';
import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * A secret in a file that its owner alone can read, made at the first start, also by two processes at once.
 * @param make 32 random bytes in Base64url, unless it makes something else
 */
export function localSecret(
  folder: string,
  name: string,
  make: () => string = () => randomBytes(32).toString('base64url'),
): string {
  const path = join(folder, name);
  return read(path) ?? create(folder, path, make());
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** A link does not replace: the first of two writers wins, and the other reads what the first wrote. */
function create(folder: string, path: string, secret: string): string {
  const draft = `${path}.${process.pid}`;
  mkdirSync(folder, { recursive: true });
  writeFileSync(draft, secret, { mode: 0o600 });
  try {
    linkSync(draft, path);
    return secret;
  } catch (error) {
    const first = read(path);
    if (first !== undefined) return first;
    throw error;
  } finally {
    rmSync(draft, { force: true });
  }
}
