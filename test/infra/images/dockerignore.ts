/**
 * Whether Docker leaves a path of the build context out: the last line that matches it or a folder above it decides.
 * See https://docs.docker.com/build/concepts/context/#dockerignore-files.
 */
export function isIgnored(dockerignore: string, path: string): boolean {
  const parts = path.split('/');
  const chain = parts.map((_, at) => parts.slice(0, at + 1).join('/'));
  let ignored = false;
  for (const line of dockerignore.split('\n')) {
    const pattern = line.trim().replace(/\/$/, '');
    if (pattern === '' || pattern.startsWith('#')) continue;
    const keeps = pattern.startsWith('!');
    const matches = toRegExp(keeps ? pattern.slice(1) : pattern);
    if (chain.some((prefix) => matches.test(prefix))) ignored = !keeps;
  }
  return ignored;
}

/**
 * Translates patterns of Go's filepath.Match, with `**` for any number of folders. A star matches a leading dot too.
 */
function toRegExp(pattern: string): RegExp {
  const text = pattern
    .replace(/[.+^${}()|\\]/g, '\\$&')
    .replace(/\*\*\/?|\*|\?/g, (glob) => (glob === '*' ? '[^/]*' : glob === '?' ? '[^/]' : '.*'));
  return new RegExp(`^${text}$`);
}
