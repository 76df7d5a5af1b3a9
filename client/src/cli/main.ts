#!/usr/bin/env node
import { CommanderError } from 'commander';
import { harmless } from './context.ts';
import { EXIT, type ExitCode, exitOfError, isAbort, messageOf, UsageError, worst } from './exit.ts';
import { reportFailure } from './failure.ts';
import { createProgram } from './program.ts';

const controller = new AbortController();

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  // The first asks for an orderly end; the next signal ends at once.
  process.once(signal, () => controller.abort());
}
// `fileshare ls | head`: nobody reads on.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  process.exit(error.code === 'EPIPE' ? EXIT.ok : EXIT.failed);
});

process.exitCode = await run();

async function run(): Promise<ExitCode> {
  let code: ExitCode = EXIT.ok;
  const exit = (next: ExitCode) => {
    code = worst([code, next]);
  };
  // An error in the arguments is reported before they are all parsed.
  const json = process.argv.includes('--json');
  try {
    await createProgram({ env: process.env, json, signal: controller.signal, exit }).parseAsync();
    return code;
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return EXIT.ok;
    if (error instanceof CommanderError) {
      // Otherwise commander has reported it.
      if (json) reportFailure(json, new UsageError(usageIn(error)), '');
      return EXIT.usage;
    }
    if (json || !isAbort(error)) reportFailure(json, error, `fileshare: ${harmless(messageOf(error))}`);
    return exitOfError(error);
  } finally {
    // Standard input that nobody reads to its end would keep the process.
    process.stdin.destroy();
  }
}

function usageIn({ code, message }: CommanderError): string {
  return code === 'commander.help' ? 'No command is given.' : message.replace(/^error: /, '');
}
