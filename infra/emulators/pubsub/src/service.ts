import type { EmulatedIam } from '../../common/iam/emulated-iam.ts';
import type { Latency } from '../../common/latency/latency.ts';
import type { Broker } from './core/broker.ts';
import { RpcError } from './core/status.ts';
import type { Faults } from './faults/faults.ts';
import { admitPublish } from './methods/publish-access.ts';
import { publisherMethods, type Unary } from './methods/publisher-methods.ts';
import { type PullTiming, subscriberMethods } from './methods/subscriber-methods.ts';
import type { Plain } from './walk.ts';

/** Interface for both wires: the methods of the API by name, with the planned faults in between. */
export class PubSubService {
  readonly broker: Broker;
  readonly faults: Faults;
  readonly #methods: ReadonlyMap<string, Unary>;
  readonly #latency: Latency | undefined;

  readonly iam: EmulatedIam | undefined;

  constructor(
    broker: Broker,
    faults: Faults,
    timing: PullTiming,
    { iam, latency }: { readonly iam?: EmulatedIam | undefined; readonly latency?: Latency | undefined } = {},
  ) {
    this.broker = broker;
    this.#latency = latency;
    this.iam = iam;
    this.faults = faults;
    this.#methods = new Map<string, Unary>([
      ...Object.entries(publisherMethods(broker)),
      ...Object.entries(subscriberMethods(broker, timing)),
    ]);
  }

  /** @param authorization the header of that name. Throws RpcError: what the method refuses, or UNIMPLEMENTED for one that is not emulated. */
  call(method: string, request: Plain, signal: AbortSignal, authorization?: string): Promise<Plain> {
    const run = this.#methods.get(method);
    if (!run) throw new RpcError('UNIMPLEMENTED', `${method} is not emulated`);
    return this.faults.apply(method, async () => {
      await admitPublish(this.iam, method, request, authorization);
      return this.#latency?.around(method, () => run(request, signal)) ?? run(request, signal);
    });
  }
}
