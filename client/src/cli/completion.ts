import type { Command } from 'commander';

export const SHELLS = ['bash', 'zsh', 'fish'] as const;

interface Described {
  readonly word: string;
  readonly description: string;
}

interface Known {
  readonly name: string;
  readonly description: string;
  readonly options: readonly Described[];
  readonly takesFiles: boolean;
  /** Values of its argument, where they are known. */
  readonly choices: readonly string[];
}

const HELP: Described = { word: '--help', description: 'show help' };

/** A script that completes what `program` has, so that it never tells of anything else. */
export function completionScript(program: Command, shell: (typeof SHELLS)[number]): string {
  const common = optionsOf(program);
  const commands = program.commands.map((command) => ({
    name: command.name(),
    description: command.description(),
    options: [...optionsOf(command), ...common.filter(({ word }) => word !== '--version'), HELP],
    takesFiles: command.registeredArguments.some((argument) => argument.name() === 'file'),
    choices: [
      ...command.registeredArguments.flatMap(({ argChoices = [] }) => argChoices),
      ...command.commands.map((each) => each.name()),
    ],
  }));
  return { bash, zsh, fish }[shell](commands, [...common, HELP]);
}

function optionsOf(command: Command): Described[] {
  return command.options.flatMap(({ long, description }) => (long ? [{ word: long, description }] : []));
}

function words(described: readonly Described[]): string {
  return described.map(({ word }) => word).join(' ');
}

function bash(commands: readonly Known[], common: readonly Described[]): string {
  const cases = commands.map(
    ({ name, options, choices }) => `    ${name}) words='${[words(options), ...choices].join(' ')}' ;;`,
  );
  const withFiles = commands.filter(({ takesFiles }) => takesFiles).map(({ name }) => name);
  return `# eval "$(fileshare completion bash)"
_fileshare() {
  local current=\${COMP_WORDS[COMP_CWORD]} command='' word words
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    [[ ' ${names(commands)} ' != *" $word "* ]] || { command=$word; break; }
  done
  case $command in
    '') words='${names(commands)} ${words(common)}' ;;
${cases.join('\n')}
    *) words='' ;;
  esac
  COMPREPLY=()
  while IFS= read -r word; do COMPREPLY+=("$word"); done < <(compgen -W "$words" -- "$current")
  if [[ $current != -* && " ${withFiles.join(' ')} " == *" $command "* ]]; then
    while IFS= read -r word; do COMPREPLY+=("$word"); done < <(compgen -f -- "$current")
  fi
}
complete -o filenames -F _fileshare fileshare
`;
}

function names(commands: readonly Known[]): string {
  return commands.map(({ name }) => name).join(' ');
}

function zsh(commands: readonly Known[], common: readonly Described[]): string {
  const entry = ({ word, description }: Described) =>
    `'${word.replaceAll(':', '\\:')}:${quotedInside(description)}'`;
  const cases = commands.map(({ name, options, takesFiles, choices }) => {
    const entries = [...options, ...choices.map((word) => ({ word, description: '' }))].map(entry).join(' ');
    return `    ${name}) entries=(${entries})${takesFiles ? '; files=1' : ''} ;;`;
  });
  const first = commands.map(({ name, description }) => entry({ word: name, description }));
  return `#compdef fileshare
# eval "$(fileshare completion zsh)"
_fileshare() {
  local command='' word files=0
  local -a entries
  for word in "\${(@)words[2,CURRENT-1]}"; do
    [[ -z $word || ' ${names(commands)} ' != *" $word "* ]] || { command=$word; break; }
  done
  case $command in
    '') entries=(${[...first, ...common.map(entry)].join(' ')}) ;;
${cases.join('\n')}
  esac
  _describe fileshare entries
  (( files )) && _files
}
compdef _fileshare fileshare
`;
}

function fish(commands: readonly Known[], common: readonly Described[]): string {
  const lines = commands.flatMap(({ name, description, options, takesFiles, choices }) => {
    const here = `complete -c fileshare -n '__fish_seen_subcommand_from ${name}'`;
    return [
      `complete -c fileshare -n __fish_use_subcommand -a ${name} -d '${quotedInside(description)}'`,
      ...options.map(
        ({ word, description }) => `${here} -l ${word.slice(2)} -d '${quotedInside(description)}'`,
      ),
      ...(choices.length > 0 ? [`${here} -a '${choices.join(' ')}'`] : []),
      ...(takesFiles ? [`${here} -F`] : []),
    ];
  });
  const shared = common.map(
    ({ word, description }) =>
      `complete -c fileshare -n __fish_use_subcommand -l ${word.slice(2)} -d '${quotedInside(description)}'`,
  );
  return ['# fileshare completion fish | source', 'complete -c fileshare -f', ...shared, ...lines, ''].join(
    '\n',
  );
}

/** Escapes text for a place between single quotes. */
function quotedInside(text: string): string {
  return text.replaceAll("'", '’').replaceAll('\\', '');
}
