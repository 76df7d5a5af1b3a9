export type { IamOptions } from '../../common/iam/emulated-iam.ts';
export type { Grant, Refusal } from '../../common/iam/policy.ts';
export { Tokens } from '../../common/iam/tokens.ts';
export { type Latency, parseLatency } from '../../common/latency/latency.ts';
export type { BacklogCap } from './backlog.ts';
export { type Clock, systemClock } from './clock.ts';
export { type PubSubEmulator, type PubSubEmulatorOptions, startPubSubEmulator } from './emulator.ts';
export type { Delay, Failure, Faults, Stall } from './faults.ts';
export type { PushTokenMinter } from './push-token.ts';
