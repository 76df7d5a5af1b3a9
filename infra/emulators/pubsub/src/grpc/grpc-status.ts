import { Metadata, type StatusObject } from '@grpc/grpc-js';
import type { RpcError } from '../core/status.ts';

/** A refusal as grpc-js takes it. */
export function grpcStatus(error: RpcError): StatusObject {
  return { code: error.grpcCode, details: error.message, metadata: new Metadata() };
}
