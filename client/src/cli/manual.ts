import type { Argument, Command, Option } from 'commander';
import { ENVIRONMENT, EXIT_CODES, FILES, FIRST_STEPS, SUMMARY } from './help.ts';

/** The manual page of a program, in the macros of man(7): every command and option that it has. */
export function manualOf(program: Command): string {
  const title = `.TH FILESHARE 1 "" "hops-fileshare-client ${program.version() ?? ''}" "User Commands"`;
  const sections: readonly (readonly [title: string, lines: readonly string[]])[] = [
    ['NAME', ['fileshare \\- share files that are scanned for malware']],
    ['SYNOPSIS', ['.B fileshare', '[\\fIoptions\\fR] \\fIcommand\\fR']],
    ['DESCRIPTION', [text(SUMMARY), '.PP', '.nf', text(FIRST_STEPS), '.fi']],
    ['OPTIONS', program.options.flatMap(optionLines)],
    ['COMMANDS', program.commands.flatMap((command) => commandLines(command, 'fileshare'))],
    ['ENVIRONMENT', entries(ENVIRONMENT)],
    ['EXIT STATUS', entries(EXIT_CODES)],
    ['FILES', entries(FILES)],
  ];
  const lines = sections.flatMap(([name, content]) => [`.SH ${name}`, ...content]);
  return `${[title, ...lines].join('\n')}\n`;
}

function commandLines(command: Command, parent: string): readonly string[] {
  const name = `${parent} ${command.name()}`;
  if (command.commands.length > 0) return command.commands.flatMap((each) => commandLines(each, name));
  return [
    `.SS "${text(`${name} ${command.usage()}`)}"`,
    text(sentence(command.description())),
    ...command.registeredArguments.flatMap(argumentLines),
    ...command.options.flatMap(optionLines),
  ];
}

function argumentLines(argument: Argument): readonly string[] {
  return tagged(`\\fI${text(argument.name())}\\fR`, argument.description, argument);
}

function optionLines(option: Option): readonly string[] {
  const flags = text(option.flags).replace(/(?<![^\s,])\\-[^\s,]+/g, '\\fB$&\\fR');
  return tagged(flags, option.description, option);
}

function tagged(
  tag: string,
  description: string,
  { defaultValue, argChoices }: Pick<Option, 'defaultValue' | 'argChoices'>,
): readonly string[] {
  const choices = argChoices ? `one of ${argChoices.join(', ')}` : undefined;
  const byDefault = defaultValue === undefined ? undefined : `by default ${String(defaultValue)}`;
  return ['.TP', tag, text(sentence([description, choices, byDefault].filter(Boolean).join('; ')))];
}

function entries(list: readonly (readonly [term: string, text: string])[]): readonly string[] {
  return list.flatMap(([term, words]) => ['.TP', `\\fB${text(term)}\\fR`, text(sentence(words))]);
}

function sentence(words: string): string {
  // A name such as projects/PROJECT stays as it is.
  const begun = words.replace(/^[a-z](?=[a-z]*[\s,;.]|$)/, (letter) => letter.toUpperCase());
  return `${begun}${/[.?)]$/.test(words) ? '' : '.'}`;
}

const ESCAPES: Readonly<Record<string, string>> = {
  '\\': '\\e',
  '-': '\\-',
  "'": '\\(aq',
  '"': '\\(dq',
  '`': '\\(ga',
  '^': '\\(ha',
  '~': '\\(ti',
};

/** Text as roff prints it: no character of it is a command. */
function text(words: string): string {
  return words.replace(/[\\\-'"`^~]/g, (found) => ESCAPES[found] ?? found).replace(/^\./gm, '\\&.');
}
