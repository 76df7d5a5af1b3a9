import type { Publish } from '../../shared/events/cloud-event.ts';
import type { RequestContext } from '../../shared/http/service.ts';
import type { Logger } from '../../shared/runtime/log.ts';

interface Sends {
  readonly log: Logger;
  readonly publish?: Publish;
  readonly redeliver?: Publish;
  readonly request?: Publish;
}

/** Dependencies for one request: its log, and its span for the messages that are sent. */
export function within<Deps extends Sends>(
  deps: Deps,
  { log, span }: Pick<RequestContext, 'log' | 'span'>,
): Deps {
  const sending = (publish: Publish | undefined): Publish | undefined =>
    publish && ((event) => publish(event, span));
  const { publish, redeliver, request } = deps;
  const sends = { publish, redeliver, request };
  const known = Object.entries(sends).flatMap(([name, publish]) =>
    publish ? [[name, sending(publish)]] : [],
  );
  return { ...deps, log, ...Object.fromEntries(known) };
}
