import { AsyncLocalStorage } from 'node:async_hooks';
import { Bucket } from '../../../shared/storage/bucket.ts';

export type Operation =
  | 'stat'
  | 'read'
  | 'stage'
  | 'commit'
  | 'insert'
  | 'patch'
  | 'rewrite'
  | 'delete'
  | 'list'
  /** No operation of a bucket: a test may hook it as well. */
  | 'publish';

/** Runs an operation, sooner or later, or throws in its place. */
export type Hook = <T>(operation: Operation, name: string, run: () => Promise<T>) => Promise<T>;

/** A bucket whose every operation goes through a hook, so that a test decides what comes before what. */
export class HookedBucket extends Bucket {
  readonly #hook: Hook;

  constructor(hook: Hook, ...bucket: ConstructorParameters<typeof Bucket>) {
    super(...bucket);
    // An operation that looks whether an earlier try of it took effect is still one.
    const within = new AsyncLocalStorage<true>();
    this.#hook = (operation, name, run) =>
      within.getStore() ? run() : hook(operation, name, () => within.run(true, run));
  }

  override stat(...args: Parameters<Bucket['stat']>): ReturnType<Bucket['stat']> {
    return this.#hook('stat', args[0], () => super.stat(...args));
  }
  override read(...args: Parameters<Bucket['read']>): ReturnType<Bucket['read']> {
    return this.#hook('read', args[0], () => super.read(...args));
  }
  override async stage(...args: Parameters<Bucket['stage']>): ReturnType<Bucket['stage']> {
    const staged = await this.#hook('stage', args[0], () => super.stage(...args));
    return { ...staged, commit: () => this.#hook('commit', args[0], staged.commit) };
  }
  override insertEmpty(...args: Parameters<Bucket['insertEmpty']>): ReturnType<Bucket['insertEmpty']> {
    return this.#hook('insert', args[0], () => super.insertEmpty(...args));
  }
  override patch(...args: Parameters<Bucket['patch']>): ReturnType<Bucket['patch']> {
    return this.#hook('patch', args[0], () => super.patch(...args));
  }
  override rewrite(...args: Parameters<Bucket['rewrite']>): ReturnType<Bucket['rewrite']> {
    return this.#hook('rewrite', args[1].name, () => super.rewrite(...args));
  }
  override delete(...args: Parameters<Bucket['delete']>): ReturnType<Bucket['delete']> {
    return this.#hook('delete', args[0], () => super.delete(...args));
  }
  override list(...args: Parameters<Bucket['list']>): ReturnType<Bucket['list']> {
    return this.#hook('list', args[0].prefix, () => super.list(...args));
  }
}

export const straight: Hook = (_operation, _name, run) => run();
