import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type StorageEmulator,
  type StorageEmulatorOptions,
  startStorageEmulator,
} from '../../../../infra/emulators/storage/src/emulator.ts';
import { type CallInit, type Reply, type Resource, send } from '../../../contract/storage/http.ts';
import { WRITE_CLOCK } from '../../../shared/storage/streams.ts';

export const BUCKET = 'contract';

type Options = Omit<Partial<StorageEmulatorOptions>, 'folder'>;

/** An emulator in a temporary folder for the tests of the enclosing `describe`, and a shorthand for calls. */
export class EmulatorFixture {
  readonly #options: Options;
  #folder: string | undefined;
  #emulator: StorageEmulator | undefined;

  /** It takes one write a second of a name, by a clock that waits move on. */
  constructor(options: Options = {}) {
    this.#options = { buckets: [BUCKET], mutationLimit: WRITE_CLOCK.now, ...options };
    before(() => this.start());
    after(async () => {
      await this.stop();
      if (this.#folder !== undefined) await rm(this.#folder, { recursive: true });
    });
  }

  get emulator(): StorageEmulator {
    if (this.#emulator === undefined) throw new Error('the emulator is not running');
    return this.#emulator;
  }

  get url(): string {
    return this.emulator.url;
  }

  async start(options: Options = {}): Promise<void> {
    this.#folder ??= await mkdtemp(join(tmpdir(), 'storage-emulator-'));
    this.#emulator = await startStorageEmulator({ ...this.#options, ...options, folder: this.#folder });
  }

  async stop(): Promise<void> {
    await this.#emulator?.stop();
    this.#emulator = undefined;
  }

  async restart(options: Options = {}): Promise<void> {
    await this.stop();
    await this.start(options);
  }

  /** @param path under the emulator's URL, or a whole URL */
  async call(method: string, path: string, init: CallInit = {}): Promise<Reply> {
    // The preparation of a test takes a second for each write, and leaves one to the writer after it.
    const isRead = method === 'GET';
    if (!isRead) WRITE_CLOCK.tick();
    const reply = await send(method, path.startsWith('http') ? path : this.url + path, init);
    if (!isRead) WRITE_CLOCK.tick();
    return reply;
  }

  /** A simple upload. */
  async put(name: string, body: Uint8Array<ArrayBuffer> | string, query = ''): Promise<Resource> {
    const path = `/upload/storage/v1/b/${BUCKET}/o?uploadType=media&name=${encodeURIComponent(name)}${query}`;
    return (await this.call('POST', path, { body })).ok();
  }

  /** @returns the session URI */
  async session(query: string, init: CallInit = {}): Promise<string> {
    const path = `/upload/storage/v1/b/${BUCKET}/o?uploadType=resumable&${query}`;
    const reply = await this.call('POST', path, init);
    const location = reply.headers.get('location');
    if (reply.status !== 200 || location === null) throw new Error(`${reply.status} ${reply.text}`);
    return location;
  }
}

export const objectPath = (name: string, bucket = BUCKET): string =>
  `/storage/v1/b/${bucket}/o/${encodeURIComponent(name)}`;

/** Looks again each turn of the event loop until something holds. @throws Error after two minutes */
export async function until(holds: () => boolean): Promise<void> {
  const deadline = Date.now() + 120_000;
  while (!holds()) {
    if (Date.now() > deadline) throw new Error(`in vain: ${holds}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
