import {
  assignmentsOf,
  type Dockerfile,
  parseDockerfile,
  type Stage,
  type Step,
  wordsOf,
} from './dockerfile.ts';
import { isIgnored } from './dockerignore.ts';

/** Where a Dockerfile is built: which files there are, and which Docker does not see. */
export interface Context {
  readonly dockerignore: string;
  /** Whether a path of the context exists, for any value of the variables in it. */
  readonly exists: (path: string) => boolean;
}

const SECRET = /(password|passwd|secret|token|api_?key|private_?key|credential)/i;
const ROOT_USER = /^(0|root)(:|$)/;

/** Rules for a Dockerfile of this project; one line for each violation. */
export function problemsOf(source: string, context: Context): string[] {
  const file = parseDockerfile(source);
  const problems = file.stages.flatMap((stage) => [
    ...problemsOfBase(stage, file),
    ...stage.steps.flatMap((step) => problemsOfStep(step, context)),
    ...problemsOfDependencies(stage, file),
  ]);
  for (const { rest } of file.preamble) {
    if (rest.includes('=')) problems.push(`ARG ${rest}: a base image has no default`);
  }
  return [...problems, ...problemsOfLast(file.stages.at(-1))];
}

/** A variable after the `@`, declared before the first FROM: an empty one is no valid reference, so nothing is built. */
function problemsOfBase({ base }: Stage, { preamble, stages }: Dockerfile): string[] {
  if (stages.some(({ name }) => name === base)) return [];
  const [, image = '', variable] = /^(.+)@\$\{(\w+)\}$/.exec(base) ?? [];
  if (variable === undefined) return [`FROM ${base}: not by digest`];
  const declared = preamble.some(({ keyword, rest }) => keyword === 'ARG' && rest === variable);
  return [
    ...(declared ? [] : [`FROM ${base}: ${variable} is not declared`]),
    ...(image.endsWith(':latest') ? [`FROM ${base}: latest says nothing`] : []),
  ];
}

/** Tools are for a stage that no other stands on: a COPY states which of it an image has. */
function problemsOfDependencies(stage: Stage, { stages }: Dockerfile): string[] {
  const stoodOn = stage === stages.at(-1) || stages.some(({ base }) => base === stage.name);
  const all = ({ keyword, rest }: Step) =>
    keyword === 'RUN' && /\bnpm ci\b/.test(rest) && !/--omit=dev\b/.test(rest);
  return stoodOn && stage.steps.some(all) ? ['RUN npm ci without --omit=dev'] : [];
}

function problemsOfStep(step: Step, context: Context): string[] {
  switch (step.keyword) {
    case 'ADD':
      return ['ADD fetches and unpacks: use COPY'];
    case 'RUN':
      return problemsOfRun(step.rest);
    case 'COPY':
      return problemsOfCopy(step, context);
    case 'ARG':
      return SECRET.test(step.rest) ? [`ARG ${step.rest}: stays in the history of the image`] : [];
    case 'ENV':
      return assignmentsOf(step).flatMap(([name]) =>
        SECRET.test(name) ? [`ENV ${name}: stays in the image`] : [],
      );
    default:
      return [];
  }
}

function problemsOfRun(command: string): string[] {
  const problems: string[] = [];
  if (/\bnpm (i|install|add)\b/.test(command)) problems.push('RUN npm install: npm ci keeps to the lockfile');
  if (/\bnpm ci\b/.test(command) && !/--ignore-scripts\b/.test(command)) {
    problems.push('RUN npm ci runs the scripts of packages');
  }
  if (/\b(curl|wget)\b.*\bhttps?:/.test(command)) problems.push('RUN fetches what nobody has pinned');
  if (/apt-get install/.test(command)) {
    if (!/--no-install-recommends/.test(command))
      problems.push('RUN apt-get installs what is only recommended');
    if (!/rm -rf [^&]*\/var\/lib\/apt\/lists/.test(command)) problems.push('RUN apt-get leaves its lists');
  }
  if (/\bsudo\b|chmod (-R )?[0-7]?777/.test(command)) problems.push('RUN gives away rights');
  return problems;
}

function problemsOfCopy(step: Step, { dockerignore, exists }: Context): string[] {
  if (step.flags['from'] !== undefined) return [];
  return wordsOf(step)
    .slice(0, -1)
    .flatMap((path) => {
      if (path === '.' || path === './') return ['COPY . takes what nobody named'];
      if (!exists(path)) return [`COPY ${path}: there is no such file`];
      return isIgnored(dockerignore, path) ? [`COPY ${path}: .dockerignore leaves it out`] : [];
    });
}

function problemsOfLast(stage: Stage | undefined): string[] {
  const users = stage?.steps.filter(({ keyword }) => keyword === 'USER').map(({ rest }) => rest) ?? [];
  const user = users.at(-1) ?? '';
  const entrypoint = stage?.steps.findLast(({ keyword }) => keyword === 'ENTRYPOINT')?.rest ?? '';
  return [
    ...(/^\d+:\d+$/.test(user) && !ROOT_USER.test(user) ? [] : [`USER ${user}: not a number above 0`]),
    // Otherwise a shell gets the signals.
    ...(entrypoint.startsWith('[') ? [] : ['ENTRYPOINT is not in its JSON form']),
  ];
}
