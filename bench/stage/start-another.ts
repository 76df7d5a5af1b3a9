import type { FunctionName, Stage } from './stage.ts';
import { type Started, startFunction } from './start-function.ts';

const PROJECT = new URL('../..', import.meta.url);

/** Starts one more instance of a function, as the stage has it. */
export function startAnother(stage: Stage, name: FunctionName): Promise<Started> {
  const { args, cwd, env } = stage.spec(name);
  return startFunction({ args, cwd: cwd ?? PROJECT, env });
}
