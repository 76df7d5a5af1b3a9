/**
 * The canonical RPC codes with their gRPC number and HTTP status
 * (google/rpc/code.proto; the HTTP column is Google's own mapping).
 */
const codes = {
  CANCELLED: [1, 499],
  UNKNOWN: [2, 500],
  INVALID_ARGUMENT: [3, 400],
  DEADLINE_EXCEEDED: [4, 504],
  NOT_FOUND: [5, 404],
  ALREADY_EXISTS: [6, 409],
  PERMISSION_DENIED: [7, 403],
  RESOURCE_EXHAUSTED: [8, 429],
  FAILED_PRECONDITION: [9, 400],
  ABORTED: [10, 409],
  OUT_OF_RANGE: [11, 400],
  UNIMPLEMENTED: [12, 501],
  INTERNAL: [13, 500],
  UNAVAILABLE: [14, 503],
  DATA_LOSS: [15, 500],
  UNAUTHENTICATED: [16, 401],
} as const;

export type StatusName = keyof typeof codes;

export const isStatusName = (name: unknown): name is StatusName =>
  typeof name === 'string' && Object.hasOwn(codes, name);

/** A call refused: what a client sees as a gRPC status or as Google's JSON error body. */
export class RpcError extends Error {
  override readonly name = 'RpcError';
  readonly status: StatusName;

  constructor(status: StatusName, message: string) {
    super(message);
    this.status = status;
  }

  get grpcCode(): number {
    return codes[this.status][0];
  }

  get httpStatus(): number {
    return codes[this.status][1];
  }
}

export const invalid = (message: string): RpcError => new RpcError('INVALID_ARGUMENT', message);

/** Anything else that was thrown is a fault of the emulator itself, and is told as INTERNAL. */
export function rpcErrorOf(error: unknown): RpcError {
  if (error instanceof RpcError) return error;
  return new RpcError('INTERNAL', error instanceof Error ? (error.stack ?? error.message) : String(error));
}
