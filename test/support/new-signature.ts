import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { createClamd } from '../../shared/scanning/clamd.ts';
import { eventually, type Service } from './service.ts';

/** Lets signatures of exactly these bytes arrive at the running ClamAV of a service, by the name `name.UNOFFICIAL`. */
export async function addSignature(
  service: Service,
  bytes: Buffer | readonly [Buffer, ...Buffer[]],
  name: string,
): Promise<void> {
  const all = Buffer.isBuffer(bytes) ? ([bytes] as const) : bytes;
  const lines = all.map((each) => {
    const digest = createHash('sha256').update(each).digest('hex');
    return `${digest}:${each.length}:${name}:73\n`;
  });
  await writeFile(fileOf(service, name), lines.join(''));
  await reloaded(service, all[0], 'infected');
}

/** Withdraws a signature that {@link addSignature} has added. */
export async function removeSignature(service: Service, bytes: Buffer, name: string): Promise<void> {
  await rm(fileOf(service, name));
  await reloaded(service, bytes, 'clean');
}

function folderOf(service: Service): string {
  return join(service.platform.status().data, 'clamd');
}

function fileOf(service: Service, name: string): string {
  return join(folderOf(service), 'signatures', `${name}.hsb`);
}

/** Has ClamAV reload its signatures, until they find what they should. */
async function reloaded(service: Service, bytes: Buffer, kind: 'clean' | 'infected'): Promise<void> {
  const conf = await readFile(join(folderOf(service), 'clamd.conf'), 'utf8');
  const [, port] = /^TCPSocket (\d+)$/m.exec(conf) ?? [];
  const socket = connect(Number(port), '127.0.0.1').end('zRELOAD\0').resume();
  await once(socket, 'close');
  const limits = { connectTimeoutMs: 5_000, idleTimeoutMs: 60_000, totalTimeoutMs: 60_000 };
  const clamd = createClamd({ host: '127.0.0.1', port: Number(port), ...limits });
  await eventually(async () => {
    async function* source() {
      yield bytes;
    }
    return (await clamd.scan(source(), { size: bytes.length })).kind === kind;
  });
}
