import { idOf } from './resource-name.ts';
import { RpcError } from './status.ts';
import { newTopic, type Topic, updatedTopic } from './topic.ts';

/** The topics there are, by name. */
export class Topics {
  readonly #topics = new Map<string, Topic>();

  create(input: unknown): Topic {
    const topic = newTopic(input);
    if (this.#topics.has(topic.name)) {
      throw new RpcError('ALREADY_EXISTS', `Topic already exists (resource=${idOf(topic.name)}).`);
    }
    this.#topics.set(topic.name, topic);
    return topic;
  }

  has(name: string): boolean {
    return this.#topics.has(name);
  }

  get(name: string): Topic {
    const topic = this.#topics.get(name);
    if (!topic) throw new RpcError('NOT_FOUND', `Topic not found (resource=${idOf(name)}).`);
    return topic;
  }

  update(patch: { readonly name: string }, paths: readonly string[]): Topic {
    const topic = updatedTopic(this.get(patch.name), patch, paths);
    this.#topics.set(topic.name, topic);
    return topic;
  }

  delete(name: string): void {
    this.get(name);
    this.#topics.delete(name);
  }

  of(project: string): Topic[] {
    return [...this.#topics.values()].filter(({ name }) => name.startsWith(`${project}/`));
  }
}
