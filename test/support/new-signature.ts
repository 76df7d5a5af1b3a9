import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { createClamd } from '../../shared/scanning/clamd.ts';
import { eventually, type Service } from './service.ts';

/** Lets a signature of exactly these bytes arrive at the running ClamAV of a service, by the name `name.UNOFFICIAL`. */
export async function addSignature(service: Service, bytes: Buffer, name: string): Promise<void> {
  const folder = join(service.platform.status().data, 'clamd');
  const digest = createHash('sha256').update(bytes).digest('hex');
  await writeFile(join(folder, 'signatures', `${name}.hsb`), `${digest}:${bytes.length}:${name}:73\n`);
  const [, port] = /^TCPSocket (\d+)$/m.exec(await readFile(join(folder, 'clamd.conf'), 'utf8')) ?? [];
  const socket = connect(Number(port), '127.0.0.1').end('zRELOAD\0').resume();
  await once(socket, 'close');
  const limits = { connectTimeoutMs: 5_000, idleTimeoutMs: 60_000, totalTimeoutMs: 60_000 };
  const clamd = createClamd({ host: '127.0.0.1', port: Number(port), ...limits });
  await eventually(async () => {
    async function* source() {
      yield bytes;
    }
    return (await clamd.scan(source(), { size: bytes.length })).kind === 'infected';
  });
}
