import { isOneTrace, parseTraceparent } from '../runtime/trace.ts';
import { SENT_BY } from '../tracing/delivery.ts';
import { type Tracing, UNTRACED } from '../tracing/tracing.ts';
import type { Publish } from './cloud-event.ts';

/**
 * Publishes each message within a span, and names that span in the message.
 * https://opentelemetry.io/docs/specs/semconv/messaging/gcp-pubsub/
 */
export function traced(publish: Publish, topic: string, tracing: Tracing): Publish {
  if (tracing === UNTRACED) return publish;
  return async (event, within) => {
    const about = event.about ?? parseTraceparent(event.attributes['ce-traceparent'] ?? '');
    const span = tracing.start(`send ${topic}`, {
      kind: 'producer',
      parent: within ?? about,
      links: within && about && !isOneTrace(about, within.traceparent) ? [about] : [],
      attributes: {
        'messaging.system': 'gcp_pubsub',
        'messaging.operation.type': 'send',
        'messaging.operation.name': 'send',
        'messaging.destination.name': topic,
        'messaging.message.body.size': event.data.byteLength,
        'cloudevents.event_type': event.attributes['ce-type'],
      },
    });
    try {
      await publish({ ...event, attributes: { ...event.attributes, [SENT_BY]: span.traceparent } });
      span.end();
    } catch (error) {
      span.end((error as Error).name);
      throw error;
    }
  };
}
