import type { Clock } from './clock.ts';
import type { Consumer, Deliverer, Delivery } from './deliverer.ts';
import type { RpcError } from './status.ts';

interface PullOptions {
  readonly maxMessages: number;
  /** Milliseconds to wait for a first message; 0 answers at once. */
  readonly wait: number;
  /** The caller went away: nothing is to be leased to it any more. */
  readonly signal?: AbortSignal | undefined;
}

/** One Pull: answers with what is there, or waits for the first message. */
export async function pull(
  deliverer: Deliverer,
  clock: Clock,
  { maxMessages, wait, signal }: PullOptions,
): Promise<readonly Delivery[]> {
  const { promise, resolve, reject } = Promise.withResolvers<readonly Delivery[]>();
  let open = true;
  const consumer: Consumer = {
    capacity: () =>
      open ? { messages: maxMessages, bytes: Number.POSITIVE_INFINITY } : { messages: 0, bytes: 0 },
    deliver(deliveries) {
      open = false;
      resolve(deliveries);
    },
    settled() {},
    ended: (reason: RpcError) => reject(reason),
  };
  const giveUp = () => {
    open = false;
    resolve([]);
  };
  deliverer.attach(consumer);
  const cancel = clock.after(wait, giveUp);
  if (open && (wait === 0 || signal?.aborted)) giveUp();
  signal?.addEventListener('abort', giveUp);
  try {
    return await promise;
  } finally {
    cancel();
    signal?.removeEventListener('abort', giveUp);
    deliverer.detach(consumer);
  }
}
