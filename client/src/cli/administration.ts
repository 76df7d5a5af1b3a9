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
  const admin = program.command('admin').description('for operators: what is in quarantine, hunts, redrives');
  admin
    .command('status')
    .description('print what the dashboard shows: what waits, verdicts, re-scans, signatures, errors')
    .option('--name <name>', 'of the deployment, as the Terraform module has it', 'fileshare')
    .action((flags: { name: string }) => statusCommand(context(), flags));
  admin
    .command('quarantine')
    .description('list what is in quarantine, and why')
    .action(() => quarantineCommand(context()));
  admin
    .command('quarantine-content')
    .description('save a quarantined content as a zip, under the password "infected"')
    .argument('<name>', 'as quarantine lists it')
    .requiredOption('-o, --output <file>', 'a file that does not exist')
    .action((name: string, flags: { output: string }) => quarantineContentCommand(context(), name, flags));
  admin
    .command('quarantine-rescan')
    .description(
      'scan a quarantined content by the signatures of today; quarantine tells if they find nothing',
    )
    .argument('<name>', 'as quarantine lists it')
    .action((name: string) => quarantineRescanCommand(context(), name));
  admin
    .command('release')
    .description('lift a finding that was wrong: its files become clean again')
    .argument('<sha256>', 'digest of the content')
    .argument('<reason>', 'why; it is kept')
    .option('--signature <name>', 'allow what this signature finds alone')
    .action((sha256: string, reason: string, flags: { signature?: string }) =>
      releaseCommand(context(), sha256, reason, flags),
    );
  admin
    .command('condemn')
    .description('refuse a content, and recall its files')
    .argument('<sha256>', 'digest of the content')
    .argument('<reason>', 'why; it is kept')
    .action((sha256: string, reason: string) => condemnCommand(context(), sha256, reason));
  admin
    .command('hunt')
    .description('tell which stored contents a list of digests names; the exit code tells whether any')
    .argument('<list>', 'file with SHA-256 or MD5 digests: lines, CSV, .hsb, .hdb, STIX')
    .option('--condemn <reason>', 'refuse what is found, and recall its files')
    .action((list: string, flags: { condemn?: string }) => huntCommand(context(), list, flags));
  admin
    .command('redrive')
    .description('send files that failed to the scanner again')
    .argument('[id]', 'id of the file')
    .option('--all', 'all that failed')
    .action((id: string | undefined, flags: { all?: boolean }) => redriveCommand(context(), id, flags));
  for (const duty of ['sweep', 'collect'] as const) {
    admin
      .command(duty)
      .description(`do now what the schedule of ${duty} does`)
      .action(() => dutyCommand(context(), duty));
  }
  addIntake(admin, context);
  addRescans(admin, context);
}

function addRescans(admin: Command, context: GetContext): void {
  const rescan = admin
    .command('rescan')
    .description('send what was ordered, and what is due, to the rescanner now')
    .action(() => dutyCommand(context(), 'rescan'));
  rescan
    .command('start')
    .description('order a re-scan of stored contents, by all that is given; says first what it will take')
    .argument('[name]', 'name of the job: the same name again changes nothing')
    .option('--prefix <hex>', 'those whose SHA-256 begins with this')
    .option('--clean-from <time>', 'those that were first found clean at this time or later', time)
    .option('--clean-before <time>', 'those that were first found clean before this time', time)
    .option('--database <version>', 'those that this version of the signatures found clean', count)
    .option(
      '--quarantine',
      'what is in quarantine, in place of what is stored; --database found something then',
    )
    .option('--everything', 'all')
    .option('--dry-run', 'say what it will take, and send nothing')
    .action((name: string | undefined, flags: StartFlags) => startRescanCommand(context(), name, flags));
  rescan
    .command('status')
    .description('how far ordered re-scans have come')
    .argument('[name]', 'of one')
    .action((name?: string) => rescansCommand(context(), name));
  for (const [wish, description] of [
    ['pause', 'send no more of an ordered re-scan'],
    ['resume', 'continue a paused re-scan'],
    ['cancel', 'end an ordered re-scan for ever'],
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
