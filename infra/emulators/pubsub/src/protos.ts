import { createRequire } from 'node:module';
import protobuf from 'protobufjs';

// Google's own definitions, as its client library ships them.
const definitions: protobuf.INamespace = createRequire(import.meta.url)(
  '@google-cloud/pubsub-api/build/protos/protos.json',
);

const root = protobuf.Root.fromJSON(definitions).resolveAll();

export const publisher = root.lookupService('google.pubsub.v1.Publisher');
export const subscriber = root.lookupService('google.pubsub.v1.Subscriber');

export type MessageType = protobuf.Type;
export type Field = protobuf.Field;
export type Service = protobuf.Service;
export type Method = protobuf.Method;

export function requestType(method: Method): MessageType {
  return resolved(method.resolvedRequestType, method);
}

export function responseType(method: Method): MessageType {
  return resolved(method.resolvedResponseType, method);
}

function resolved(type: MessageType | null, method: Method): MessageType {
  if (!type) throw new Error(`${method.fullName} has an unresolved type`);
  return type;
}

export const isMessage = (type: Field['resolvedType']): type is MessageType => type instanceof protobuf.Type;

export const isEnum = (type: Field['resolvedType']): type is protobuf.Enum => type instanceof protobuf.Enum;
