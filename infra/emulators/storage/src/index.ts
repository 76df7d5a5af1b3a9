export type { IamOptions } from '../../common/iam/emulated-iam.ts';
export {
  type MetadataServer,
  type MetadataServerOptions,
  startMetadataServer,
} from '../../common/iam/metadata-server.ts';
export type { Grant, Refusal } from '../../common/iam/policy.ts';
export { Tokens } from '../../common/iam/tokens.ts';
export { type Latency, parseLatency } from '../../common/latency/latency.ts';
export {
  type StorageEmulator,
  type StorageEmulatorOptions,
  type Subscription,
  startStorageEmulator,
} from './emulator.ts';
export type { Effect, FaultRule, Faults } from './faults/faults.ts';
export type { Operation } from './operation.ts';
export type { OperationCounts, OperationReport } from './operation-counts.ts';
export type { MutationLimit } from './state/mutation-limit.ts';
