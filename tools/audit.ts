/**
 * `npm audit` for the packages that are deployed: exits with 1 if one has a known vulnerability of level high or critical.
 * Exits with 0, and prints SKIPPED, if the registry does not answer; with `--required`, that fails too.
 */
import { spawnSync } from 'node:child_process';

/** @property code the exit code */
interface Outcome {
  readonly code: 0 | 1;
  readonly text: string;
}

/**
 * Judges the output of `npm audit --json`.
 *
 * @param required whether a registry that does not answer is a failure
 */
export function judgeAudit(stdout: string, required: boolean): Outcome {
  const counts = severities(stdout);
  if (!counts) {
    const text =
      'npm audit: the registry did not answer, so no package was checked for known vulnerabilities';
    return { code: required ? 1 : 0, text: `${required ? 'FAILED' : 'SKIPPED'}: ${text}` };
  }
  const serious = (counts['high'] ?? 0) + (counts['critical'] ?? 0);
  const found = Object.entries(counts)
    .filter(([level, count]) => level !== 'total' && count > 0)
    .map(([level, count]) => `${count} ${level}`);
  return { code: serious > 0 ? 1 : 0, text: `npm audit: ${found.join(', ') || 'no known vulnerability'}` };
}

/** @returns vulnerabilities by severity; undefined if the output holds no report */
function severities(stdout: string): Record<string, number> | undefined {
  try {
    return JSON.parse(stdout).metadata?.vulnerabilities;
  } catch {
    return undefined;
  }
}

if (import.meta.main) {
  const { stdout } = spawnSync('npm', ['audit', '--omit=dev', '--json'], { encoding: 'utf8' });
  const { code, text } = judgeAudit(stdout ?? '', process.argv.includes('--required'));
  console.log(text);
  process.exitCode = code;
}
