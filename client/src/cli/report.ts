import { readFile } from 'node:fs/promises';
import { type AuditReport, verifyReport } from '../node-report.ts';
import { type Context, harmless, print } from './context.ts';
import { EXIT } from './exit.ts';
import { keysFrom } from './verdict.ts';

/** `fileshare verify-report REPORT [--keys URL-OR-FILE]`: exit code 5 where a rule is broken. */
export async function verifyReportCommand(
  context: Context,
  file: string,
  { keys }: { keys?: string },
): Promise<void> {
  const text = await readFile(file, 'utf8');
  const report = verifyReport(text, await keysFrom(context, keys));
  print(context, report, explained(report));
  if (Object.keys(report.broken).length > 0) context.exit(EXIT.failed);
}

/** The report, for people. */
function explained({ buckets, began, ended, files, blobs, broken, examples, complete }: AuditReport): string {
  const rules = Object.entries(broken);
  return [
    `The signature is valid: an audit of ${buckets.permanent} and ${buckets.unscanned} from ${began} to ${ended}.`,
    `It looked at ${files} files and ${blobs} contents${complete ? '.' : ', and was not at its end.'}`,
    rules.length === 0 ? 'No rule is broken.' : 'Broken rules:',
    ...rules.map(([rule, times]) => `  ${rule}: ${times}`),
    ...examples.map(({ rule, object }) => `  ${rule}  ${object}`),
  ]
    .map(harmless)
    .join('\n');
}
