import {
  type handleBidiStreamingCall,
  type handleUnaryCall,
  type Metadata,
  Server,
  type ServiceDefinition,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js';
import { rpcErrorOf } from '../core/status.ts';
import { type Method, requestType, responseType, type Service } from '../protos.ts';
import type { PubSubService } from '../service.ts';
import { services } from '../services.ts';
import type { Plain } from '../walk.ts';
import { grpcStatus } from './grpc-status.ts';
import { streamingPull } from './streaming-pull.ts';
import { decode, encode } from './wire.ts';

/** Larger than the 10 MB of a publish request, so that a larger one is refused by the method and in its words. */
const largestRequest = 20 * 1024 * 1024;

/** The gRPC front end, without a port: connections are injected. */
export function grpcServer(service: PubSubService): Server {
  const server = new Server({ 'grpc.max_receive_message_length': largestRequest });
  for (const definition of services) {
    server.addService(definitionOf(definition), implementationOf(definition, service));
  }
  return server;
}

function definitionOf(service: Service): ServiceDefinition {
  const path = (method: Method) => `/${service.fullName.slice(1)}/${method.name}`;
  return Object.fromEntries(
    service.methodsArray.map((method) => [
      method.name,
      {
        path: path(method),
        requestStream: method.requestStream ?? false,
        responseStream: method.responseStream ?? false,
        requestSerialize: (value: Plain) => encode(requestType(method), value),
        requestDeserialize: (bytes: Buffer) => decode(requestType(method), bytes),
        responseSerialize: (value: Plain) => encode(responseType(method), value),
        responseDeserialize: (bytes: Buffer) => decode(responseType(method), bytes),
      },
    ]),
  );
}

function implementationOf(definition: Service, service: PubSubService): UntypedServiceImplementation {
  const stream: handleBidiStreamingCall<Plain, Plain> = (call) => streamingPull(call, service);
  return Object.fromEntries(
    definition.methodsArray.map(({ name }) => [
      name,
      name === 'StreamingPull' ? stream : unary(name, service),
    ]),
  );
}

function unary(method: string, service: PubSubService): handleUnaryCall<Plain, Plain> {
  return (call, callback) => {
    const controller = new AbortController();
    call.on('cancelled', () => controller.abort());
    const answer = async () =>
      service.call(method, call.request, controller.signal, authorizationOf(call.metadata));
    answer().then(
      (response) => callback(null, response),
      (error: unknown) => callback(grpcStatus(rpcErrorOf(error))),
    );
  };
}

const authorizationOf = (metadata: Metadata): string | undefined =>
  metadata.get('authorization')[0]?.toString();
