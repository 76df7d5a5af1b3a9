import type { FileRecord } from '../files/record.ts';
import { defined } from '../runtime/defined.ts';
import { callbackAttribute } from './callback-attribute.ts';
import { cloudEvent, type EventFacts, type EventMessage } from './cloud-event.ts';

interface FileEvent extends Pick<EventFacts, 'name' | 'id' | 'time'> {
  /** Members of the data beside those that every event of a file has. */
  readonly facts: Readonly<Record<string, unknown>>;
  /** Attributes to filter on, beside those that every event of a file has. */
  readonly attributes?: Readonly<Record<string, string>>;
}

/** An event of a file. Its content is a function of the record alone, so that a repeat has the same; it has no file name. */
export function fileEvent(record: FileRecord, { facts, attributes, ...event }: FileEvent): EventMessage {
  const { id: fileId, owner, state: verdict, correlationId, traceparent, content, createdAt } = record;
  const told = defined({ verdict, owner, correlationId });
  return cloudEvent({
    ...event,
    subject: fileId,
    traceparent,
    data: {
      fileId,
      ...told,
      ...(content && { size: content.size, sha256: content.sha256 }),
      createdAt: createdAt.toISOString(),
      ...facts,
    },
    filterable: { ...told, ...attributes, ...callbackAttribute(record) },
  });
}
