import { randomBytes } from 'node:crypto';
import type { Bench } from '../../bench.ts';
import { send } from '../../http.ts';
import { moduleDefaults } from '../../stage/module-defaults.ts';
import type { Stage } from '../../stage/stage.ts';
import { median } from '../../stats.ts';
import { type Load, throughUs } from './backlog.ts';

/** Bytes of a small file. */
export const SMALL = 100_000;
const ALONE = 5;

/** Time of one instance, and operations of Cloud Storage, that a small file takes. */
export interface Facts {
  /** Files a second. */
  readonly uploaded: number;
  readonly decided: number;
  /** Seconds from finalize to event, one at a time. */
  readonly alone: number;
  /** Operations a file. */
  readonly classA: number;
  readonly classB: number;
}

const known = new WeakMap<Stage, Promise<Facts>>();

/** Measured once on a stage, for all rows that work something out of it. */
export async function smallFileFacts({ distant, scale }: Pick<Bench, 'distant' | 'scale'>): Promise<Facts> {
  const stage = await distant();
  const facts = known.get(stage) ?? measured(stage, scale.latencyFacts);
  known.set(stage, facts);
  return facts;
}

async function measured(
  stage: Stage,
  { warmUp, files }: { readonly warmUp: number; readonly files: number },
): Promise<Facts> {
  const content = () => randomBytes(SMALL);
  const load = (count: number): Load => ({
    files: count,
    content,
    uploads: moduleDefaults().concurrency.upload,
  });
  if (warmUp > 0) await throughUs(stage, load(warmUp));
  await stage.resetOperations();
  const { uploaded, decided } = await throughUs(stage, load(files));
  const { classes } = await stage.operations();
  const alone: number[] = [];
  for (let at = 0; at < ALONE; at += 1) alone.push(await eventSeconds(stage, content()));
  return {
    uploaded,
    decided,
    alone: median(alone),
    classA: classes.A / files,
    classB: classes.B / files,
  };
}

async function eventSeconds(stage: Stage, body: Buffer): Promise<number> {
  const headers = stage.authorization;
  const answer = await send(`${stage.url('upload')}/files`, { method: 'POST', headers, body });
  const { id } = JSON.parse(answer.body.toString()) as { id: string };
  const delivery = await stage.front?.delivered(id);
  if (!delivery) throw new Error('a stage without events');
  return (delivery.answeredAt - delivery.finalizedAt) / 1000;
}
