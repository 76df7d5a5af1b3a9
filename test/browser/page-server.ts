import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { extname, join } from 'node:path';
import { buildPage } from '../../infra/local/page/build.ts';
import { parsePageConfig } from '../../infra/local/page/page-config.ts';

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
  '.json': 'application/json',
};

/** The page of a deployment, built and served as a bucket would, on an origin that is not that of the service. */
export class PageServer {
  readonly #folder = mkdtempSync(join(tmpdir(), 'fileshare-'));
  readonly #config: () => object;
  #built: Promise<unknown> | undefined;
  readonly #server = createServer(async (request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://localhost');
    const name = pathname === '/' ? 'index.html' : pathname.slice(1);
    try {
      this.#built ??= buildPage(parsePageConfig(this.#config()), this.#folder);
      await this.#built;
      const body = readFileSync(join(this.#folder, name));
      response.writeHead(200, { 'content-type': TYPES[extname(name)] ?? '' }).end(body);
    } catch (error) {
      response.writeHead(404).end(String(error));
    }
  });

  /** @param config is called when the page is first asked for */
  constructor(config: () => object) {
    this.#config = config;
    before(async () => {
      this.#server.listen(0, '127.0.0.1');
      await once(this.#server, 'listening');
    });
    after(() => {
      this.#server.closeAllConnections();
      this.#server.close();
      rmSync(this.#folder, { recursive: true });
    });
  }

  get origin(): string {
    return `http://localhost:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Where the issuer sends people back to. */
  get url(): string {
    return `${this.origin}/`;
  }
}
