import { HOST, type Ports } from '../processes/addresses.ts';
import type { PlatformConfig } from '../processes/config.ts';
import { type PortRequest, reservePorts } from '../processes/ports.ts';

/** Ports of all processes and fronts: those that are configured, and free ones. @throws {BusyPortError} */
export async function takePorts(config: PlatformConfig): Promise<Ports> {
  const functions = [
    'upload',
    'files',
    'scanner',
    'rescanner',
    'sweeper',
    'auditor',
    'exporter',
    'notify',
  ] as const;
  const fronts = functions.map((name) => `${name}Front` as const);
  const names = ['gateway', 'storage', 'pubsub', 'clamd', ...functions, ...fronts] as const;
  const any: PortRequest = { port: 0, variable: '' };
  const chosen: Partial<Record<(typeof names)[number], PortRequest>> = {
    gateway: { port: config.port, variable: 'PORT' },
    ...(!config.storageEmulatorHost && { storage: { port: config.storagePort, variable: 'STORAGE_PORT' } }),
    ...(!config.pubsubEmulatorHost && { pubsub: { port: config.pubsubPort, variable: 'PUBSUB_PORT' } }),
  };
  const taken = await reservePorts(
    HOST,
    names.map((name) => chosen[name] ?? any),
  );
  // Object.fromEntries forgets that each name has its port.
  return Object.fromEntries(names.map((name, at) => [name, taken[at]])) as unknown as Ports;
}
