import type { Command } from 'commander';
import {
  condemnCommand,
  dutyCommand,
  huntCommand,
  quarantineCommand,
  quarantineContentCommand,
  quarantineRescanCommand,
  redriveCommand,
  releaseCommand,
} from './admin.ts';
import type { GetContext } from './context.ts';
import { addIntake } from './intake.ts';
import { count, time } from './options.ts';
import { addOwners } from './owners.ts';
import { addRecovery } from './recovery.ts';
import { rescanCommand, rescansCommand, type StartFlags, startRescanCommand } from './rescans.ts';
import { statusCommand } from './status.ts';

/** Adds `fileshare admin` and its commands. */
export function addAdministration(program: Command, context: GetContext): void {
  const admin = program.command('admin').description('commands for operators');
  admin
    .command('status')
    .description('print the figures of the dashboard: queues, verdicts, re-scans, signatures, errors')
    .option('--name <name>', 'name of the deployment in the Terraform module', 'fileshare')
    .action((flags: { name: string }) => statusCommand(context(), flags));
  admin
    .command('quarantine')
    .description('list the contents in quarantine and why they are there')
    .action(() => quarantineCommand(context()));
  admin
    .command('quarantine-content')
    .description('save a quarantined content as a zip with the password "infected"')
    .argument('<name>', 'as quarantine lists it')
    .requiredOption('-o, --output <file>', 'file to write, which must not exist')
    .action((name: string, flags: { output: string }) => quarantineContentCommand(context(), name, flags));
  admin
    .command('quarantine-rescan')
    .description(
      'scan a quarantined content with current signatures; quarantine then shows if they find nothing',
    )
    .argument('<name>', 'as quarantine lists it')
    .action((name: string) => quarantineRescanCommand(context(), name));
  admin
    .command('release')
    .description('release a false positive: its files become clean again')
    .argument('<sha256>', 'digest of the content')
    .argument('<reason>', 'why; it is kept')
    .option('--signature <name>', 'allow only what this signature finds')
    .action((sha256: string, reason: string, flags: { signature?: string }) =>
      releaseCommand(context(), sha256, reason, flags),
    );
  admin
    .command('condemn')
    .description('block a content and recall its files')
    .argument('<sha256>', 'digest of the content')
    .argument('<reason>', 'why; it is kept')
    .action((sha256: string, reason: string) => condemnCommand(context(), sha256, reason));
  admin
    .command('hunt')
    .description('look for stored contents by a list of digests; the exit code shows whether there are any')
    .argument('<list>', 'file with SHA-256 or MD5 digests: lines, CSV, .hsb, .hdb, STIX')
    .option('--condemn <reason>', 'block what is found and recall its files')
    .action((list: string, flags: { condemn?: string }) => huntCommand(context(), list, flags));
  admin
    .command('redrive')
    .description('send files that failed to the scanner again')
    .argument('[id]', 'id of the file')
    .option('--all', 'all files that failed')
    .action((id: string | undefined, flags: { all?: boolean }) => redriveCommand(context(), id, flags));
  for (const duty of ['sweep', 'collect'] as const) {
    admin
      .command(duty)
      .description(`run the scheduled ${duty} now`)
      .action(() => dutyCommand(context(), duty));
  }
  addIntake(admin, context);
  addRescans(admin, context);
}

function addRescans(admin: Command, context: GetContext): void {
  const rescan = admin
    .command('rescan')
    .description('send the re-scans that are ordered or due to the rescanner now')
    .action(() => dutyCommand(context(), 'rescan'));
  rescan
    .command('start')
    .description('order a re-scan of the stored contents that match all options; prints an estimate first')
    .argument('[name]', 'name of the job; repeating the command with the same name changes nothing')
    .option('--prefix <hex>', 'contents whose SHA-256 begins with this')
    .option('--clean-from <time>', 'contents first found clean at this time or later', time)
    .option('--clean-before <time>', 'contents first found clean before this time', time)
    .option('--database <version>', 'contents found clean with this version of the signatures', count)
    .option(
      '--quarantine',
      'contents in quarantine instead of stored ones; --database is then the version that found something',
    )
    .option('--everything', 'all stored contents')
    .option('--dry-run', 'print the estimate only')
    .action((name: string | undefined, flags: StartFlags) => startRescanCommand(context(), name, flags));
  rescan
    .command('status')
    .description('show the progress of ordered re-scans')
    .argument('[name]', 'name of one job')
    .action((name?: string) => rescansCommand(context(), name));
  for (const [wish, description] of [
    ['pause', 'pause an ordered re-scan'],
    ['resume', 'continue a paused re-scan'],
    ['cancel', 'cancel an ordered re-scan for good'],
  ] as const) {
    rescan
      .command(wish)
      .description(description)
      .argument('<name>', 'as status lists it')
      .action((name: string) => rescanCommand(context(), wish, name));
  }
  addRecovery(admin, context);
  addOwners(admin, context);
}
