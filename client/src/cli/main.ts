#!/usr/bin/env node
import { CommanderError } from 'commander';
import { EXIT, type ExitCode, exitOfError, isAbort, messageOf, worst } from './exit.ts';
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
  try {
    await createProgram({ env: process.env, signal: controller.signal, exit }).parseAsync();
    return code;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
    if (!isAbort(error)) process.stderr.write(`fileshare: ${messageOf(error)}\n`);
    return exitOfError(error);
  } finally {
    // Standard input that nobody reads to its end would keep the process.
    process.stdin.destroy();
  }
}
