import { createHash, randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Upload } from 'tus-js-client';
import { Gate } from '../faults/gate.ts';
import { OWNER, type Service } from './service.ts';

const MIB = 2 ** 20;

export interface RoughUpload {
  readonly id: string;
  readonly sha256: string;
}

/**
 * Uploads with tus-js-client over a line that is cut `cuts` times, while the upload process is killed `kills`
 * times, each at a random place.
 * @param how `bytes` is a multiple of 1 MiB; `parallel` is how many partial uploads it is sent in
 */
export async function roughUpload(
  service: Service,
  {
    bytes,
    chunkBytes,
    cuts,
    kills,
    parallel = 1,
  }: { bytes: number; chunkBytes: number; cuts: number; kills: number; parallel?: number },
): Promise<RoughUpload> {
  const gate = new Gate();
  gate.upstream = Number(new URL(service.uploadUrl).port);
  await gate.open();
  const folder = await mkdtemp(join(tmpdir(), 'rough-upload-'));
  const path = join(folder, 'file');
  const sha256 = await writeRandom(path, bytes);
  const places = (count: number, act: () => void) =>
    Array.from({ length: count }, () => ({ at: Math.random() * bytes, act }));
  const mishaps = [
    ...places(cuts, () => gate.cut()),
    ...places(kills, () => {
      try {
        process.kill(service.pid('upload'), 'SIGKILL');
      } catch {
        // It is just being started again.
      }
    }),
  ].sort((one, other) => one.at - other.at);
  const token = await service.platform.token(OWNER);
  try {
    const url = await new Promise<string>((resolve, reject) => {
      const upload = new Upload(createReadStream(path), {
        endpoint: `http://127.0.0.1:${gate.port}/uploads`,
        headers: { Authorization: `Bearer ${token}` },
        metadata: { filename: 'rough.bin', filetype: 'application/octet-stream' },
        // The size of each partial upload is the client's to find.
        ...(parallel === 1 && { uploadSize: bytes }),
        chunkSize: chunkBytes,
        parallelUploads: parallel,
        retryDelays: Array.from({ length: 50 }, () => 200),
        storeFingerprintForResuming: false,
        onProgress: (sent) => {
          while (mishaps[0] && mishaps[0].at < sent) mishaps.shift()?.act();
        },
        onError: reject,
        onSuccess: () => resolve(upload.url ?? ''),
      });
      upload.start();
    });
    return { id: new URL(url).pathname.replace('/uploads/', ''), sha256 };
  } finally {
    await gate.close();
    await rm(folder, { recursive: true });
  }
}

/** One block again and again, whose first bytes say where it is: quick to make, and no two are the same. */
export async function writeRandom(path: string, bytes: number): Promise<string> {
  const hash = createHash('sha256');
  const block = randomBytes(MIB);
  await using file = await open(path, 'w');
  for (let at = 0; at < bytes; at += MIB) {
    block.writeBigUInt64BE(BigInt(at));
    hash.update(block);
    await file.write(block);
  }
  return hash.digest('hex');
}
