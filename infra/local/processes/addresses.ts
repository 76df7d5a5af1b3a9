import type { PlatformConfig } from './config.ts';

export const HOST = '127.0.0.1';
export const GCP_PROJECT = 'fileshare-local';
export const SCAN_EVENTS_TOPIC = 'scan-events';
export const FINALIZED_TOPIC = 'finalized';
export const RESCAN_TOPIC = 'rescan';
export const BUCKETS = {
  unscanned: 'unscanned',
  permanent: 'permanent',
  quarantine: 'quarantine',
  exports: 'exports',
} as const;

/** Where everything listens. */
export interface Ports {
  readonly gateway: number;
  readonly storage: number;
  readonly pubsub: number;
  readonly clamd: number;
  readonly upload: number;
  readonly files: number;
  readonly scanner: number;
  readonly rescanner: number;
  readonly sweeper: number;
  readonly auditor: number;
  readonly exporter: number;
  readonly notify: number;
  /** Where each of these is called: its front. */
  readonly uploadFront: number;
  readonly filesFront: number;
  readonly scannerFront: number;
  readonly rescannerFront: number;
  readonly sweeperFront: number;
  readonly auditorFront: number;
  readonly exporterFront: number;
  readonly notifyFront: number;
}

/** `host:port` of the Pub/Sub emulator in use. */
export function pubsubHostOf(config: PlatformConfig, ports: Ports): string {
  return config.pubsubEmulatorHost ?? `${HOST}:${ports.pubsub}`;
}

/** Scheme and authority of the Cloud Storage emulator in use. */
export function storageUrlOf(config: PlatformConfig, ports: Ports): string {
  return config.storageEmulatorHost ?? `http://${HOST}:${ports.storage}`;
}
