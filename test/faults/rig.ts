import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { FaultOrder } from '../../infra/emulators/pubsub/src/faults/control.ts';
import type { ChildSpec } from '../../infra/local/processes/child.ts';
import type { StoredObject } from '../../shared/storage/object.ts';
import { eventually, Service } from '../support/service.ts';
import { Gate } from './gate.ts';
import type { Sample } from './samples.ts';

/** A client's upload and the answer to it. */
export interface Upload extends Sample {
  readonly sha256: string;
  /** Present where the client got 202: from then on the service answers for the file. */
  readonly id?: string;
  /** Status, or `cut` where there was no answer. */
  readonly answer: number | 'cut';
}

export type BucketName = 'unscanned' | 'permanent' | 'quarantine';
type ProcessName = 'upload' | 'files' | 'scanner' | 'rescanner' | 'sweeper' | 'storage' | 'pubsub' | 'clamd';

/** Faster than in production, so that a fault ends within seconds; what is done is the same. */
const STORAGE = { BACKOFF_MS: '100-1000' };
const FUNCTION = { STORAGE_TIMEOUT_SECONDS: '1' };
/** A source that its scanner was about to delete when it died is the sweeper's. */
const SWEEPER = { STUCK_AFTER_SECONDS: '15', SWEEP_INTERVAL_SECONDS: '5' };
/** A second after its time, what is unfinished counts as broken. */
const AUDITOR = { AUDIT_GRACE_SECONDS: '1' };
const SCANNER = { SCAN_TIMEOUT_SECONDS: '10', SCAN_SLOTS: '2' };

/** The whole service with a hand on every wire and every process of it. */
export class Rig extends Service {
  readonly clamd: Gate;
  readonly pubsub: Gate;
  /** Everything that was ever sent. */
  readonly uploads: Upload[] = [];
  /** Digests of everything that was sent and is clean. */
  readonly cleanDigests = new Set<string>();
  readonly #scanner: () => ChildSpec | undefined;

  /** @param sweeper further variables of the sweeper, as `scanner` are of the scanner */
  constructor(
    scanner: Readonly<Record<string, string>> = {},
    environment: Record<string, string> = {},
    sweeper: Readonly<Record<string, string>> = {},
  ) {
    const gates = { clamd: new Gate(), pubsub: new Gate() };
    let scannerSpec: ChildSpec | undefined;
    const adapt = (spec: ChildSpec): ChildSpec => {
      if (spec.name === 'clamd') gates.clamd.upstream = Number(spec.env['PORT']);
      if (spec.name === 'pubsub') gates.pubsub.upstream = Number(spec.env['PORT']);
      if (spec.name === 'storage') return { ...spec, env: { ...spec.env, ...STORAGE } };
      if (spec.name === 'auditor') return { ...spec, env: { ...spec.env, ...AUDITOR } };
      const own = spec.name === 'sweeper' ? sweeper : {};
      if (spec.name !== 'scanner')
        return { ...spec, env: { ...spec.env, ...(spec.healthUrl && FUNCTION), ...own } };
      scannerSpec = spec;
      const wires = {
        CLAMD_PORT: String(gates.clamd.port),
        PUBSUB_EMULATOR_HOST: `127.0.0.1:${gates.pubsub.port}`,
      };
      return { ...spec, env: { ...spec.env, ...FUNCTION, ...SCANNER, ...wires, ...scanner } };
    };
    before(async () => {
      await gates.clamd.open();
      await gates.pubsub.open();
    });
    // Many at once are what is tried here, not one owner's share.
    super({ UPLOADS_PER_OWNER: '1000', ...SWEEPER, ...environment }, { adapt, restartAfterMs: 50 });
    after(async () => {
      await gates.clamd.close();
      await gates.pubsub.close();
    });
    this.clamd = gates.clamd;
    this.pubsub = gates.pubsub;
    this.#scanner = () => scannerSpec;
  }

  /** Where events are posted to. */
  get scannerUrl(): string {
    return `${this.platform.scannerUrl}/`;
  }

  /** The directory that clamd unpacks into. */
  get temporaryDirectory(): string {
    return this.#scanner()?.env['CLAMD_TEMP_DIR'] ?? '';
  }

  /** Sends a file as a client does; whatever happens is an answer. */
  async send(sample: Sample): Promise<Upload> {
    const sha256 = createHash('sha256').update(sample.bytes).digest('hex');
    if (sample.expected === 'clean') this.cleanDigests.add(sha256);
    const answer = await this.#post(sample);
    const upload = { ...sample, sha256, ...answer };
    this.uploads.push(upload);
    return upload;
  }

  async #post({ bytes: body, key }: Sample): Promise<Pick<Upload, 'id' | 'answer'>> {
    const headers: Record<string, string> = key === undefined ? {} : { 'idempotency-key': key };
    try {
      const response = await this.call('POST', '/files', { body, headers });
      const told = (await response.json()) as { id?: string };
      const accepted = response.ok && told.id !== undefined;
      return { answer: response.status, ...(accepted && told.id !== undefined && { id: told.id }) };
    } catch {
      return { answer: 'cut' };
    }
  }

  /** Every object of a bucket, page by page. */
  async all(bucket: BucketName, prefix = ''): Promise<StoredObject[]> {
    const found: StoredObject[] = [];
    let pageToken: string | undefined;
    do {
      const page = await this.bucket(bucket).list({ prefix, maxResults: 1_000, pageToken });
      found.push(...page.objects);
      pageToken = page.nextPageToken;
    } while (pageToken !== undefined);
    return found;
  }

  async pubsubFault(order: FaultOrder): Promise<void> {
    await this.#pubsubControl('POST', order);
  }

  /** How many calls and connections a fault has struck since the last {@link clearFaults}. */
  async struck(): Promise<number> {
    const storage = (await (await fetch(`${this.platform.storageUrl}/_emulator/faults`)).json()) as Struck;
    const pubsub = (await (await this.#pubsubControl('GET')).json()) as Struck;
    return storage.struck + pubsub.struck + this.clamd.struck + this.pubsub.struck;
  }

  override async clearFaults(): Promise<void> {
    this.clamd.clear();
    this.pubsub.clear();
    await super.clearFaults();
    await this.#pubsubControl('DELETE');
  }

  async #pubsubControl(method: string, body?: unknown): Promise<Response> {
    const response = await fetch(`http://${this.platform.pubsubHost}/_emulator/faults`, {
      method,
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    if (!response.ok) throw new Error(`${response.status} ${await response.text()}`);
    return response;
  }

  /** SIGKILL, in the middle of whatever it does. */
  kill(name: ProcessName): { readonly restarted: Promise<unknown> } {
    const pid = this.pid(name);
    process.kill(pid, 'SIGKILL');
    const isBack = async () =>
      this.platform
        .status()
        .processes.some((child) => child.name === name && child.state === 'ready' && child.pid !== pid);
    return { restarted: eventually(isBack) };
  }

  /** clamd itself, of which the platform's process is the parent. */
  clamdPid(): number {
    const parent = this.pid('clamd');
    const children = readFileSync(`/proc/${parent}/task/${parent}/children`, 'utf8').trim().split(' ');
    return Number(children[0]);
  }
}

interface Struck {
  readonly struck: number;
}
