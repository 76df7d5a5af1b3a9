/**
 * Node strips the types of each module again in each process, which is a third of what a process costs to start, and its
 * own cache of compiled code does not go with exact coverage. This keeps the stripped text between processes. Stripping
 * leaves every character in its place, so that coverage means the same lines.
 */
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import module from 'node:module';
import { fileURLToPath } from 'node:url';

const FOLDER = new URL('../../node_modules/.cache/stripped/', import.meta.url);
mkdirSync(FOLDER, { recursive: true });

module.registerHooks({
  load(url, context, next) {
    if (!url.startsWith('file:') || !url.endsWith('.ts')) return next(url, context);
    return {
      format: 'module',
      source: stripped(readFileSync(fileURLToPath(url), 'utf8')),
      shortCircuit: true,
    };
  },
});

/** @param {string} text */
function stripped(text) {
  const name = createHash('sha256').update(process.version).update(text).digest('hex');
  const kept = new URL(name, FOLDER);
  try {
    return readFileSync(kept, 'utf8');
  } catch {
    const javaScript = withoutWarnings(() => module.stripTypeScriptTypes(text));
    // Others may read it at once: it appears as a whole.
    const own = new URL(`${name}.${process.pid}`, FOLDER);
    writeFileSync(own, javaScript);
    renameSync(own, kept);
    return javaScript;
  }
}

/**
 * A warning that this function is experimental would stand in the logs of whichever process happens to be the first.
 * @template T
 * @param {() => T} work
 */
function withoutWarnings(work) {
  const { emitWarning } = process;
  process.emitWarning = () => undefined;
  try {
    return work();
  } finally {
    process.emitWarning = emitWarning;
  }
}
