import type { ServerDuplexStream } from '@grpc/grpc-js';
import * as v from 'valibot';
import type { Capacity, Consumer, Deliverer, Delivery } from '../core/deliverer.ts';
import { parse } from '../core/parse.ts';
import { invalid, type RpcError, rpcErrorOf } from '../core/status.ts';
import { checkAckDeadline } from '../core/subscription.ts';
import { receivedMessage } from '../methods/received-message.ts';
import type { PubSubService } from '../service.ts';
import type { Plain } from '../walk.ts';
import { grpcStatus } from './grpc-status.ts';

const requestSchema = v.object({
  subscription: v.optional(v.string(), ''),
  ackIds: v.optional(v.array(v.string()), []),
  modifyDeadlineSeconds: v.optional(v.array(v.number()), []),
  modifyDeadlineAckIds: v.optional(v.array(v.string()), []),
  streamAckDeadlineSeconds: v.optional(v.number(), 0),
  maxOutstandingMessages: v.optional(v.number(), 0),
  maxOutstandingBytes: v.optional(v.number(), 0),
  protocolVersion: v.optional(v.number(), 0),
});
type StreamRequest = v.InferOutput<typeof requestSchema>;

type Call = ServerDuplexStream<Plain, Plain>;

/** Serves one StreamingPull: the first request opens it, the later ones acknowledge and keep it alive. */
export function streamingPull(call: Call, service: PubSubService): void {
  let stream: PullStream | undefined;
  let over = false;
  const close = () => {
    over = true;
    stream?.close();
  };
  const refuse = (error: unknown) => {
    close();
    call.emit('error', grpcStatus(rpcErrorOf(error)));
  };
  const begin = async (request: StreamRequest) => {
    call.pause();
    stream = await service.faults.apply('StreamingPull', async () => open(call, request, service));
    if (over) stream.close();
    call.resume();
  };
  call.on('data', (raw: Plain) => {
    if (over) return;
    try {
      const request = parse(requestSchema, raw);
      if (stream) stream.request(request);
      else begin(request).catch(refuse);
    } catch (error) {
      refuse(error);
    }
  });
  call.on('cancelled', close);
  call.on('error', close);
  call.on('end', () => {
    close();
    call.end();
  });
}

function open(call: Call, request: StreamRequest, service: PubSubService): PullStream {
  checkAckDeadline(request.streamAckDeadlineSeconds);
  const attached = service.broker.subscription(request.subscription);
  const stream = new PullStream(call, attached.pullable, request);
  call.write({
    subscriptionProperties: { messageOrderingEnabled: attached.subscription.enableMessageOrdering },
  });
  stream.start(request);
  return stream;
}

class PullStream implements Consumer {
  readonly #call: Call;
  readonly #deliverer: Deliverer;
  readonly #limit: Capacity;
  readonly #answersKeepAlive: boolean;
  #outstandingMessages = 0;
  #outstandingBytes = 0;
  #ackDeadline: number;

  constructor(call: Call, deliverer: Deliverer, opening: StreamRequest) {
    this.#call = call;
    this.#deliverer = deliverer;
    this.#limit = {
      messages:
        opening.maxOutstandingMessages > 0 ? opening.maxOutstandingMessages : Number.POSITIVE_INFINITY,
      bytes: opening.maxOutstandingBytes > 0 ? opening.maxOutstandingBytes : Number.POSITIVE_INFINITY,
    };
    this.#answersKeepAlive = opening.protocolVersion > 0;
    this.#ackDeadline = opening.streamAckDeadlineSeconds * 1000;
  }

  get ackDeadline(): number {
    return this.#ackDeadline;
  }

  start(opening: StreamRequest): void {
    this.#settle(opening);
    this.#call.on('drain', () => this.#deliverer.pump());
    this.#deliverer.attach(this);
  }

  request(request: StreamRequest): void {
    if (request.subscription !== '') throw invalid('The subscription may only be set on the first request.');
    if (request.maxOutstandingMessages !== 0 || request.maxOutstandingBytes !== 0) {
      throw invalid('Flow control may only be set on the first request.');
    }
    if (request.streamAckDeadlineSeconds !== 0) {
      checkAckDeadline(request.streamAckDeadlineSeconds);
      this.#ackDeadline = request.streamAckDeadlineSeconds * 1000;
    }
    this.#settle(request);
    // Client libraries drop a stream that leaves their keep-alive unanswered for 15 seconds.
    if (this.#answersKeepAlive) this.#call.write({});
  }

  close(): void {
    this.#deliverer.detach(this);
  }

  capacity(): Capacity {
    if (this.#call.writableNeedDrain) return { messages: 0, bytes: 0 };
    return {
      messages: this.#limit.messages - this.#outstandingMessages,
      bytes: this.#limit.bytes - this.#outstandingBytes,
    };
  }

  deliver(deliveries: readonly Delivery[]): void {
    for (const { message } of deliveries) {
      this.#outstandingMessages++;
      this.#outstandingBytes += message.size;
    }
    this.#call.write({ receivedMessages: deliveries.map(receivedMessage) });
  }

  settled({ message }: Delivery): void {
    this.#outstandingMessages--;
    this.#outstandingBytes -= message.size;
  }

  ended(reason: RpcError): void {
    this.#call.emit('error', grpcStatus(reason));
  }

  #settle({ ackIds, modifyDeadlineSeconds, modifyDeadlineAckIds }: StreamRequest): void {
    if (modifyDeadlineSeconds.length !== modifyDeadlineAckIds.length) {
      throw invalid('modify_deadline_seconds and modify_deadline_ack_ids differ in length.');
    }
    this.#deliverer.acknowledge(ackIds);
    modifyDeadlineAckIds.forEach((ackId, index) => {
      this.#deliverer.modifyAckDeadline([ackId], modifyDeadlineSeconds[index] ?? 0);
    });
  }
}
