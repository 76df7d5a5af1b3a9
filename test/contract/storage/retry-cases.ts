import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Bucket } from '../../../shared/storage/bucket.ts';
import { StorageError } from '../../../shared/storage/error.ts';
import { Transport } from '../../../shared/storage/transport.ts';
import { FAST_RETRY, piecesOf } from '../../shared/storage/streams.ts';
import type { Cases } from '../cases.ts';
import { bytesOf, store } from './client-bytes-cases.ts';
import { send } from './http.ts';
import type { StorageSubject } from './subject.ts';

/** A test of https://github.com/googleapis/conformance-tests, storage/v1/retry_tests.json. */
interface RetryVector {
  readonly id: number;
  readonly description: string;
  readonly cases: readonly { readonly instructions: readonly string[] }[];
  readonly methods: readonly { readonly name: string; readonly group?: string }[];
  readonly preconditionProvided: boolean;
  readonly expectSuccess: boolean;
}

/** @param folder holds Google's `retry_tests.json` */
export function readRetryVectors(folder: string): readonly RetryVector[] {
  const file = join(folder, 'retry_tests.json');
  return (JSON.parse(readFileSync(file, 'utf8')) as { retryTests: RetryVector[] }).retryTests;
}

const MEBIBYTE = 1024 * 1024;
const TEXT = { contentType: 'text/plain' };

/** One call of the client: `prepare` meets no fault, what it returns does. */
interface ClientCall {
  readonly method: string;
  /** The vectors' name for more than one request. */
  readonly group?: string;
  /** The call is safe to repeat only because of the precondition that the client always sends. */
  readonly conditional: boolean;
  readonly prepare: (subject: StorageSubject) => Promise<(faulty: Bucket) => Promise<void>>;
}

/** Every method of `Bucket` that sends a request. */
const CALLS: Readonly<Record<string, ClientCall>> = {
  stat: {
    method: 'storage.objects.get',
    conditional: false,
    prepare: async (subject) => {
      const object = await store(subject, randomBytes(10));
      return async (faulty) => assert.deepEqual(await faulty.stat(object.name), object);
    },
  },
  list: {
    method: 'storage.objects.list',
    conditional: false,
    prepare: async (subject) => {
      const { name } = await store(subject, randomBytes(10));
      return async (faulty) => {
        const { objects } = await faulty.list({ prefix: name, maxResults: 10 });
        assert.deepEqual(
          objects.map((object) => object.name),
          [name],
        );
      };
    },
  },
  read: {
    method: 'storage.objects.get',
    group: 'storage.objects.download',
    conditional: false,
    prepare: async (subject) => {
      const bytes = randomBytes(600_000);
      const object = await store(subject, bytes);
      return async (faulty) => {
        const read = await bytesOf({ bucket: faulty }, object);
        assert.ok(read.equals(bytes));
      };
    },
  },
  insertEmpty: {
    method: 'storage.objects.insert',
    conditional: true,
    prepare: async (subject) => async (faulty) => {
      assert.ok(await faulty.insertEmpty(subject.fresh(), { ...TEXT, metadata: { a: 'b' } }));
    },
  },
  'stage and commit of one request': {
    method: 'storage.objects.insert',
    conditional: true,
    prepare: async (subject) => async (faulty) => {
      const bytes = randomBytes(100_000);
      const staged = await faulty.stage(subject.fresh(), piecesOf(bytes), TEXT);
      assert.ok((await bytesOf(subject, await staged.commit())).equals(bytes));
    },
  },
  'stage and commit of a resumable upload': {
    method: 'storage.objects.insert',
    group: 'storage.resumable.upload',
    conditional: true,
    prepare: async (subject) => async (faulty) => {
      const bytes = randomBytes(9 * MEBIBYTE);
      const staged = await faulty.stage(subject.fresh(), piecesOf(bytes), TEXT);
      assert.ok((await bytesOf(subject, await staged.commit())).equals(bytes));
    },
  },
  openSession: {
    method: 'storage.objects.insert',
    conditional: true,
    prepare: async (subject) => async (faulty) => {
      const uri = await faulty.openSession(subject.fresh(), { ...TEXT, size: 10 });
      await subject.bucket.cancelSession(uri);
    },
  },
  patch: {
    method: 'storage.objects.patch',
    conditional: true,
    prepare: async (subject) => {
      const object = await store(subject, randomBytes(10));
      return async (faulty) => {
        assert.equal((await faulty.patch(object.name, object, { a: 'b' }))?.metadata['a'], 'b');
      };
    },
  },
  delete: {
    method: 'storage.objects.delete',
    conditional: true,
    prepare: async (subject) => {
      const object = await store(subject, randomBytes(10));
      return async (faulty) => {
        assert.equal(await faulty.delete(object.name, object), true);
        assert.equal(await subject.bucket.stat(object.name), undefined);
      };
    },
  },
  rewrite: {
    method: 'storage.objects.rewrite',
    conditional: true,
    prepare: async (subject) => {
      const source = await store(subject, randomBytes(10));
      return async (faulty) => {
        const target = { bucket: subject.other, name: subject.fresh(), ...TEXT };
        assert.ok(typeof (await faulty.rewrite(source, target)) === 'object');
      };
    },
  },
  compose: {
    method: 'storage.objects.compose',
    conditional: true,
    prepare: async (subject) => {
      const { name } = await store(subject, randomBytes(10));
      return async (faulty) => {
        assert.ok(typeof (await faulty.compose(subject.fresh(), [name, name], TEXT)) === 'object');
      };
    },
  },
};

/**
 * Google's published retry cases, for every method of the client. Those without a precondition on a write do not apply:
 * the client sends none.
 */
export function retries(vectors: readonly RetryVector[]): (cases: Cases<StorageSubject>) => void {
  return (cases) => {
    for (const vector of vectors) {
      for (const { name, group } of vector.methods) {
        for (const [title, call] of Object.entries(CALLS)) {
          if (!applies(vector, { name, group }, call)) continue;
          for (const { instructions } of vector.cases) {
            cases(`retry ${vector.id}: ${title}, ${instructions.join(', ')}`, (subject) =>
              runCase(subject, call, instructions, vector.expectSuccess),
            );
          }
        }
      }
    }
  };
}

function applies(
  vector: RetryVector,
  { name, group }: { name: string; group: string | undefined },
  call: ClientCall,
): boolean {
  if (call.method !== name || (group !== undefined && call.group !== group)) return false;
  // Without a precondition a client must not retry; these cases say so of calls that this client does not have.
  return vector.preconditionProvided || !call.conditional || vector.description === 'non-retryable errors';
}

async function runCase(
  subject: StorageSubject,
  call: ClientCall,
  instructions: readonly string[],
  expectSuccess: boolean,
): Promise<void> {
  const run = await call.prepare(subject);
  const order = { json: { instructions: { [call.method]: instructions } } };
  // The testbench answers so: its README describes it.
  const { id } = (await send('POST', `${subject.url}/retry_test`, order)).ok() as unknown as { id: string };
  const transport = new Transport(subject.url, async () => new Headers({ 'x-retry-test-id': id }));
  const faulty = new Bucket(transport, subject.bucketName, {
    retry: FAST_RETRY,
    paced: true,
    timeoutMs: 30_000,
  });
  try {
    if (expectSuccess) await run(faulty);
    else {
      const status = Number(instructions.at(-1)?.replace('return-', ''));
      await assert.rejects(run(faulty), (error) => error instanceof StorageError && error.status === status);
    }
    // As above.
    const { completed } = (await send('GET', `${subject.url}/retry_test/${id}`)).ok() as unknown as {
      completed: boolean;
    };
    assert.ok(completed, 'every instruction struck');
  } finally {
    await send('DELETE', `${subject.url}/retry_test/${id}`);
  }
}
