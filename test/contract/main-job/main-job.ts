import { randomBytes } from 'node:crypto';
import { Bucket } from '../../../shared/storage/bucket.ts';
import { connectStorage } from '../../../shared/storage/connect.ts';
import { Service } from '../../support/service.ts';
import { TusRequests } from '../../support/tus.ts';
import { send } from '../storage/http.ts';
import { StorageRelay } from './storage-relay.ts';

const BUCKETS = ['unscanned', 'permanent', 'quarantine'] as const;
type BucketName = (typeof BUCKETS)[number];

/** The whole service on an endpoint of Cloud Storage, for the tests of the enclosing `describe`. */
export class MainJob {
  readonly service: Service;
  readonly tus: TusRequests;
  readonly #prefix = `main-job-${randomBytes(4).toString('hex')}`;
  readonly #endpoint: () => string;
  #relay: StorageRelay | undefined;

  /** @param endpoint is called once everything before it has started */
  constructor(endpoint: () => string) {
    this.#endpoint = endpoint;
    before(async () => {
      for (const name of BUCKETS) {
        const json = { name: this.#name(name) };
        (await send('POST', `${endpoint()}/storage/v1/b?project=contract`, { json })).ok();
      }
      this.#relay = await StorageRelay.start(endpoint());
    });
    const environment = () => ({ STORAGE_EMULATOR_HOST: this.relay.url, STUCK_AFTER_SECONDS: '3' });
    this.service = new Service(environment, {
      adapt: (spec) => {
        const { healthUrl, name } = spec;
        if (healthUrl === undefined) return spec;
        if (name === 'scanner') {
          this.relay.subscriber = { bucket: this.#name('unscanned'), url: new URL('/', healthUrl).href };
        }
        return { ...spec, env: { ...spec.env, ...this.#buckets(spec.env) } };
      },
    });
    // Its cases sweep again and again until the sweeper has come before the scanner.
    this.service.contends();
    this.tus = new TusRequests(this.service);
    after(async () => {
      await this.#relay?.stop();
      for (const name of BUCKETS) await this.#drop(name);
    });
  }

  get relay(): StorageRelay {
    if (!this.#relay) throw new Error('the relay is not running');
    return this.#relay;
  }

  /** Past the relay: no fault strikes what tests look at. */
  bucket(name: BucketName): Bucket {
    return new Bucket(connectStorage(this.#endpoint()), this.#name(name));
  }

  async names(bucket: BucketName, prefix = ''): Promise<string[]> {
    const { objects } = await this.bucket(bucket).list({ prefix, maxResults: 1000 });
    return objects.map(({ name }) => name);
  }

  /**
   * While `work` runs, the endpoint injects faults into the requests of all functions.
   * @param instructions by JSON API method, as those of {@link https://github.com/googleapis/storage-testbench}
   * @returns what `work` returned @throws where not all of them struck
   */
  async withFaults<T>(
    instructions: Readonly<Record<string, readonly string[]>>,
    work: () => Promise<T>,
  ): Promise<T> {
    const test = `${this.#endpoint()}/retry_test`;
    const ordered = await send('POST', test, { json: { instructions }, headers: { connection: 'close' } });
    // The testbench answers so: its README describes it.
    const { id } = ordered.ok() as unknown as { id: string };
    this.relay.headers = { 'x-retry-test-id': id };
    try {
      const result = await work();
      // As above.
      // As above.
      const report = (
        await send('GET', `${test}/${id}`, { headers: { connection: 'close' } })
      ).ok() as unknown as { completed: boolean };
      if (!report.completed) throw new Error(`not all faults struck: ${JSON.stringify(report)}`);
      return result;
    } finally {
      this.relay.headers = {};
    }
  }

  #name(bucket: BucketName): string {
    return `${this.#prefix}-${bucket}`;
  }

  /** Names for the variables that a function has. */
  #buckets(env: Readonly<Record<string, string>>): Record<string, string> {
    const variables = BUCKETS.map((name) => [`${name.toUpperCase()}_BUCKET`, this.#name(name)] as const);
    return Object.fromEntries(variables.filter(([variable]) => env[variable] !== undefined));
  }

  async #drop(name: BucketName): Promise<void> {
    const bucket = this.bucket(name);
    for (let pageToken: string | undefined; ; ) {
      const page = await bucket.list({ prefix: '', maxResults: 1000, pageToken });
      for (const object of page.objects) await bucket.delete(object.name, object);
      pageToken = page.nextPageToken;
      if (!pageToken) break;
    }
    await send('DELETE', `${this.#endpoint()}/storage/v1/b/${this.#name(name)}`);
  }
}
