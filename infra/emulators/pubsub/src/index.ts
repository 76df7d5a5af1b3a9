export type { IamOptions } from '../../common/iam/emulated-iam.ts';
export type { Grant, Refusal } from '../../common/iam/policy.ts';
export { Tokens } from '../../common/iam/tokens.ts';
export { type Latency, parseLatency } from '../../common/latency/latency.ts';
export type { BacklogCap } from './core/backlog.ts';
export { type Clock, systemClock } from './core/clock.ts';
export { type PubSubEmulator, type PubSubEmulatorOptions, startPubSubEmulator } from './emulator.ts';
export type { Delay, Failure, Faults, Stall } from './faults/faults.ts';
export type { PushTokenMinter } from './push/push-token.ts';
