import * as v from 'valibot';
import { type FileId, parseFileId } from '../../shared/files/file-id.ts';
import { parseTraceparent, type Traceparent } from '../../shared/runtime/trace.ts';

const Push = v.object({
  message: v.object({ attributes: v.record(v.string(), v.string()), data: v.string() }),
  deliveryAttempt: v.optional(v.number()),
});

/** An event of a file whose upload asked for callbacks. */
export interface PushedEvent {
  readonly id: string;
  readonly fileId: FileId;
  /** The event as JSON, in the structured mode of CloudEvents: one body, all of which is signed. */
  readonly body: string;
  /** Attempt of Pub/Sub; absent where the subscription has no dead letters. */
  readonly attempt: number | undefined;
  /** Span of the upload. */
  readonly traceparent: Traceparent | undefined;
}

/** @returns undefined where the body is no event of a file for which callbacks were asked */
export function pushedEvent(body: unknown): PushedEvent | undefined {
  const push = v.safeParse(Push, body);
  if (!push.success) return undefined;
  const { message, deliveryAttempt } = push.output;
  const { attributes } = message;
  const id = attributes['ce-id'];
  const fileId = parseFileId(attributes['ce-subject'] ?? '');
  const data = parsed(Buffer.from(message.data, 'base64').toString());
  if (attributes['callback'] !== 'true' || !id || !fileId || data === undefined) return undefined;
  const traceparent = parseTraceparent(attributes['ce-traceparent'] ?? '');
  return { id, fileId, body: structured(attributes, data), attempt: deliveryAttempt, traceparent };
}

/** https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md */
function structured(attributes: Readonly<Record<string, string>>, data: unknown): string {
  const context = Object.entries(attributes).flatMap(([name, value]) =>
    name.startsWith('ce-') ? [[name.slice('ce-'.length), value] as const] : [],
  );
  return JSON.stringify({ ...Object.fromEntries(context), datacontenttype: 'application/json', data });
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
