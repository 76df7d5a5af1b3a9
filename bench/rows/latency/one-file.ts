import { send } from '../../http.ts';
import type { Stage } from '../../stage/stage.ts';

/** Uploads a file and waits until its event is answered. */
export async function throughUs(
  stage: Stage,
  body: Buffer,
): Promise<{ readonly uploadMs: number; readonly eventMs: number }> {
  const headers = stage.authorization;
  const upload = () => send(`${stage.url('upload')}/files`, { method: 'POST', headers, body });
  const [answer, uploadMs] = await timed(upload);
  const { id } = JSON.parse(answer.body.toString()) as { id: string };
  const delivery = await stage.front?.delivered(id);
  if (!delivery) throw new Error('a stage without events');
  return { uploadMs, eventMs: delivery.answeredAt - delivery.finalizedAt };
}

/** @returns what some work resolves to, and its milliseconds */
export async function timed<T>(work: () => Promise<T>): Promise<[T, number]> {
  const start = performance.now();
  const result = await work();
  return [result, performance.now() - start];
}
