import * as v from 'valibot';
import type { Backlog } from './query.ts';

const Messages = v.object({ messages: v.number(), oldestSeconds: v.number() });
const Subscriptions = v.object({
  subscriptions: v.array(v.object({ ...Messages.entries, name: v.string() })),
});

/**
 * Counts what waits in a subscription of this project's emulators; Google's do not say. Finalize events come from the storage emulator
 * as well, which keeps those that are not acknowledged.
 * @param subscription id of a subscription
 */
export async function backlogOf(
  { pubsubHost, storageUrl }: { readonly pubsubHost: string; readonly storageUrl: string },
  subscription: string,
): Promise<Backlog | undefined> {
  const [told, notices] = await Promise.all([
    ask(`http://${pubsubHost}/_emulator/backlog`, Subscriptions),
    subscription === 'finalized-scanner' ? ask(`${storageUrl}/_emulator/notifications`, Messages) : NONE,
  ]);
  const found = told?.subscriptions.find(({ name }) => name.endsWith(`/${subscription}`));
  if (!found || !notices) return undefined;
  return {
    messages: found.messages + notices.messages,
    oldestSeconds: Math.max(found.oldestSeconds, notices.oldestSeconds),
  };
}

const NONE: Backlog = { messages: 0, oldestSeconds: 0 };

/** @returns undefined where there is no such answer */
async function ask<const Schema extends v.GenericSchema>(
  url: string,
  schema: Schema,
): Promise<v.InferOutput<Schema> | undefined> {
  try {
    const response = await fetch(url);
    const answer = v.safeParse(schema, await response.json());
    return response.ok && answer.success ? answer.output : undefined;
  } catch {
    return undefined;
  }
}
