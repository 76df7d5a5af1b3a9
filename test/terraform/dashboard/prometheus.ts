import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { reservePorts } from '../../../infra/local/processes/ports.ts';
import { eventually } from '../../support/service.ts';
import { hasPromtool } from '../promtool.ts';

const HOST = '127.0.0.1';

/** A line of a chart: its labels, and values by seconds since 1970. */
export interface Line {
  readonly labels: Readonly<Record<string, string>>;
  readonly points: readonly (readonly [seconds: number, value: number])[];
}

export interface Range {
  /** Seconds since 1970. */
  readonly start: number;
  readonly end: number;
  /** Seconds between two points. */
  readonly step: number;
}

interface Answer {
  readonly status: string;
  readonly data: {
    readonly result: readonly { metric: Record<string, string>; values: [number, string][] }[];
  };
}

/** Whether this machine has a server of Prometheus, and its tool. */
export function hasPrometheus(): boolean {
  if (!hasPromtool()) return false;
  if (!spawnSync('prometheus', ['--version']).error) return true;
  console.log('    SKIPPED: prometheus is not installed (Debian: apt-get install prometheus)');
  return false;
}

/** A server of Prometheus that has these samples and gets no others. */
export class Prometheus implements AsyncDisposable {
  readonly #url: string;
  readonly #stop: () => Promise<void>;

  private constructor(url: string, stop: () => Promise<void>) {
    this.#url = url;
    this.#stop = stop;
  }

  /** @param samples in the text format of OpenMetrics, with timestamps */
  static async serving(samples: string): Promise<Prometheus> {
    const folder = await mkdtemp(join(tmpdir(), 'fileshare-prometheus-'));
    const [input, data, config] = ['samples.txt', 'data', 'prometheus.yml'].map((name) => join(folder, name));
    if (!input || !data || !config) throw new Error('unreachable');
    await Promise.all([writeFile(input, samples), writeFile(config, 'global: {}\n')]);
    execFileSync('promtool', ['tsdb', 'create-blocks-from', 'openmetrics', input, data], { stdio: 'pipe' });
    const [port] = await reservePorts(HOST, [{ port: 0, variable: 'PORT' }]);
    const server = spawn(
      'prometheus',
      [
        `--config.file=${config}`,
        `--storage.tsdb.path=${data}`,
        '--storage.tsdb.retention.time=100y',
        `--web.listen-address=${HOST}:${port}`,
      ],
      { stdio: 'ignore' },
    );
    const ended = once(server, 'exit');
    const url = `http://${HOST}:${port}`;
    const prometheus = new Prometheus(url, async () => {
      server.kill();
      await ended;
      await rm(folder, { recursive: true });
    });
    await eventually(async () => (await fetch(`${url}/-/ready`).catch(() => undefined))?.ok);
    return prometheus;
  }

  async query(query: string, { start, end, step }: Range): Promise<readonly Line[]> {
    const parameters = { query, start: String(start), end: String(end), step: String(step) };
    const response = await fetch(`${this.#url}/api/v1/query_range?${new URLSearchParams(parameters)}`);
    const answer = (await response.json()) as Answer;
    if (answer.status !== 'success') throw new Error(`${query}: ${JSON.stringify(answer)}`);
    return answer.data.result.map(({ metric, values }) => ({
      labels: metric,
      points: values
        .map(([at, value]) => [at, Number(value)] as const)
        .filter(([, value]) => !Number.isNaN(value)),
    }));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#stop();
  }
}
