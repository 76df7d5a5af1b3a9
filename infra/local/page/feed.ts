import type { ServerResponse } from 'node:http';

/** How much a page that is opened late still gets. */
const KEPT = 500;

interface Entry {
  readonly id: number;
  readonly name: string;
  readonly data: unknown;
}

/** Server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html) for every page that is open. */
export class Feed {
  readonly #entries: Entry[] = [];
  readonly #watchers = new Set<ServerResponse>();
  /** Tells the entries of this run from those of another, whose numbers begin anew. */
  readonly #run = Date.now().toString(36);
  #last = 0;

  add(name: string, data: unknown): void {
    const entry = { id: ++this.#last, name, data };
    this.#entries.push(entry);
    if (this.#entries.length > KEPT) this.#entries.shift();
    for (const watcher of this.#watchers) watcher.write(this.#format(entry));
  }

  /** Answers with what there is after `lastId`, which a browser that reconnects says, and goes on until it leaves. */
  watch(response: ServerResponse, lastId: string | undefined): void {
    response.writeHead(200, {
      'Content-Type': 'text/event-stream',
      'Cache-Control': 'no-store',
      'X-Content-Type-Options': 'nosniff',
    });
    const [run, number] = lastId?.split('.') ?? [];
    const seen = run === this.#run ? Number(number) : 0;
    const missed = this.#entries.filter(({ id }) => id > seen).map((entry) => this.#format(entry));
    // The comment sends the head at once; the browser is to come back soon after a restart.
    response.write(`:\nretry: 1000\n\n${missed.join('')}`);
    this.#watchers.add(response);
    response.on('close', () => this.#watchers.delete(response));
  }

  #format({ id, name, data }: Entry): string {
    return `id: ${this.#run}.${id}\nevent: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
  }
}
