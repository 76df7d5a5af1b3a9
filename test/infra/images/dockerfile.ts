import { DockerfileParser, Flag, type Instruction, type JSONInstruction } from 'dockerfile-ast';

/** One instruction: `rest` is what stands after the keyword and the flags, with variables as they are written. */
export interface Step {
  readonly keyword: string;
  readonly rest: string;
  readonly flags: Readonly<Record<string, string>>;
}

export interface Stage {
  readonly name: string;
  /** The base: an image, or the name of an earlier stage. */
  readonly base: string;
  readonly steps: readonly Step[];
}

export interface Dockerfile {
  /** Arguments before the first FROM. */
  readonly preamble: readonly Step[];
  readonly stages: readonly Stage[];
}

/** Reads a Dockerfile with the parser of Docker's language server. */
export function parseDockerfile(source: string): Dockerfile {
  const preamble: Step[] = [];
  const stages: { name: string; base: string; steps: Step[] }[] = [];
  for (const instruction of DockerfileParser.parse(source).getInstructions()) {
    const step = toStep(instruction);
    if (step.keyword === 'FROM') {
      const [base = '', , name = String(stages.length)] = step.rest.split(/\s+/);
      stages.push({ name, base, steps: [] });
    } else {
      (stages.at(-1)?.steps ?? preamble).push(step);
    }
  }
  return { preamble, stages };
}

/** The words of an instruction, or of its JSON form. */
export function wordsOf({ rest }: Step): readonly string[] {
  if (rest.startsWith('[')) return JSON.parse(rest) as string[];
  return rest.split(/\s+/).filter((word) => word !== '');
}

/** `NAME=value NAME="value"` of an ENV. */
export function assignmentsOf({ rest }: Step): readonly (readonly [string, string])[] {
  return [...rest.matchAll(/([A-Za-z_]\w*)=("[^"]*"|\S*)/g)].map(
    ([, name = '', value = '']) => [name, value.replace(/^"(.*)"$/, '$1')] as const,
  );
}

function toStep(instruction: Instruction): Step {
  const flags = (instruction as JSONInstruction).getFlags?.() ?? [];
  const pairs = flags.flatMap((flag) =>
    flag instanceof Flag ? [[flag.getName(), flag.getValue() ?? ''] as const] : [],
  );
  return {
    keyword: instruction.getKeyword(),
    rest: instruction.getArgumentsContent() ?? '',
    flags: Object.fromEntries(pairs),
  };
}
