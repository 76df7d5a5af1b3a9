import { ensureClamd } from '../../../infra/local/clamav/install.ts';
import { WRITE_CLOCK } from '../../shared/storage/streams.ts';
import { BUCKET, EmulatorFixture, objectPath } from '../emulators/storage/emulator-fixture.ts';
import { Mirror } from './mirror.ts';
import { type Ran, runMirrorJob } from './mirror-job.ts';

const YESTERDAY = Math.floor(Date.now() / 1000) - 86_400;
/** Time of another version for a sidecar that has asked today. */
const TOMORROW = YESTERDAY + 2 * 86_400;

/** Gives each test of the enclosing `describe` an empty mirror, and a source of signatures to fill it from. */
export class MirrorJobFixture {
  readonly storage = new EmulatorFixture();
  #metadata: Mirror | undefined;
  #source: Mirror | undefined;
  #prefix = 0;

  constructor() {
    before(async () => {
      await ensureClamd();
      this.#metadata = await Mirror.start();
    });
    after(() => this.#metadata?.[Symbol.asyncDispose]());
    beforeEach(async () => {
      this.#prefix += 1;
      this.#source = await Mirror.start();
      this.#source.modifiedAt = YESTERDAY;
    });
    afterEach(() => this.source[Symbol.asyncDispose]());
  }

  get source(): Mirror {
    if (!this.#source) throw new Error('the source does not run');
    return this.#source;
  }

  /** Has the source offer a file from now on: the first as of yesterday, a newer one as of tomorrow. */
  offer(file: string, content: string | Buffer): void {
    if (this.source.files.has(file)) this.source.modifiedAt = TOMORROW;
    this.source.files.set(file, content);
  }

  name(file: string): string {
    return `mirror-${this.#prefix}/${file}`;
  }

  /** A run of the job for `test.ndb`. The next comes more than a second later. */
  async run(env: Readonly<Record<string, string>> = {}): Promise<Ran> {
    try {
      return await runMirrorJob({
        SIGNATURE_MIRROR: `gs://${BUCKET}/mirror-${this.#prefix}`,
        SIGNATURE_FILES: 'test.ndb',
        SIGNATURE_SOURCE: `http://${this.source.host}`,
        STORAGE_EMULATOR_HOST: this.storage.url,
        // The metadata server is another one than the source, which may be down.
        GCE_METADATA_HOST: this.#metadata?.host ?? '',
        ...env,
      });
    } finally {
      WRITE_CLOCK.tick();
    }
  }

  /** @returns undefined where the mirror has no such file */
  async contentOf(file: string): Promise<string | undefined> {
    const reply = await this.storage.call('GET', `${objectPath(this.name(file))}?alt=media`);
    return reply.status === 200 ? reply.text : undefined;
  }

  async generationOf(file: string): Promise<unknown> {
    return (await this.storage.call('GET', objectPath(this.name(file)))).ok().generation;
  }
}

/** Severity and message of each line. */
export function messages({ lines }: Ran): string[] {
  return lines.map(({ severity, message }) => `${severity} ${message}`);
}
