import { createScanner, ping, version } from 'clamdjs';
import type { BorrowedBytes } from '../runtime/memory.ts';
import { Cutoff } from './cutoff.ts';
import { type EngineVersion, parseVersion } from './engine.ts';
import { CLAMDJS_TIMEOUT_MS, clamdExchange, type Ending } from './exchange.ts';
import { Feed } from './feed.ts';
import { parseReply } from './reply.ts';
import { ScanFault, type Verdict } from './verdict.ts';

/**
 * The largest file that clamd can be trusted with, in bytes: libclamav scans no more than 2 147 483 645 bytes of one
 * file, whatever its configuration says, and MaxScanSize has to stay 1 MiB below that (`infra/clamav/clamd.conf`).
 */
export const CLAMAV_MAX_BYTES = 2_147_483_645 - 2 ** 20;

/** clamd's MaxScanTime, in milliseconds (`infra/clamav/clamd.conf`). */
export const CLAMAV_MAX_SCAN_MS = 480_000;

export interface Scanner {
  /**
   * Scans one file, in constant memory and with back-pressure.
   *
   * The source is always finished with afterwards: read to its end, or destroyed.
   *
   * @param options.size the file's exact size in bytes: there is no verdict on fewer or more
   * @throws {ScanFault} if there is no verdict
   */
  scan(
    source: AsyncIterable<BorrowedBytes>,
    options: { readonly size: number; readonly signal?: AbortSignal },
  ): Promise<Verdict>;

  /** @throws {ScanFault} if clamd does not say which version it is. */
  version(signal?: AbortSignal): Promise<EngineVersion>;
}

export interface Clamd extends Scanner {
  /**
   * Resolves if clamd answers at all. Whether it finds anything only a canary tells.
   *
   * @throws {ScanFault} if it does not answer
   */
  ping(signal?: AbortSignal): Promise<void>;
}

export interface ClamdOptions {
  readonly host: string;
  readonly port: number;
  readonly connectTimeoutMs: number;
  /** How long no byte may move while a file is sent. Keep it below clamd's ReadTimeout. */
  readonly idleTimeoutMs: number;
  /** Time from the start to the verdict. Keep it above the time to send the largest file, plus clamd's MaxScanTime. */
  readonly totalTimeoutMs: number;
  /** clamd's StreamMaxLength: a larger file is `tooLarge` without being read. Never above `CLAMAV_MAX_BYTES`. */
  readonly maxBytes?: number;
}

/**
 * A Scanner on clamdjs, which alone would call unscanned content clean in several ways
 * (docs/platform-facts.md#clamdjs-102):
 * `Feed` guards what goes in, `exchange` how it ends, `parseReply` what comes out.
 */
export function createClamd(options: ClamdOptions): Clamd {
  checkOptions(options);
  const { host, port, connectTimeoutMs, idleTimeoutMs, totalTimeoutMs } = options;
  const maxBytes = Math.min(options.maxBytes ?? CLAMAV_MAX_BYTES, CLAMAV_MAX_BYTES);
  const scanner = createScanner(host, port);

  function newCutoff(signal: AbortSignal | undefined): Cutoff {
    const cutoff = new Cutoff(signal);
    cutoff.cutAfter(totalTimeoutMs, () => new ScanFault('timeout', `no answer within ${totalTimeoutMs} ms`));
    return cutoff;
  }

  async function ask(begin: () => Promise<unknown>, signal: AbortSignal | undefined): Promise<Buffer> {
    using cutoff = newCutoff(signal);
    const ending = await clamdExchange(begin, { connectTimeoutMs, cutoff });
    if (!ending.orderly) throw new ScanFault('connectionLost', 'the connection broke during the reply');
    return ending.reply;
  }

  return {
    async scan(source, { size, signal }) {
      using cutoff = newCutoff(signal);
      const feed = new Feed(source, { size, idleTimeoutMs, cutoff });
      try {
        if (!Number.isSafeInteger(size) || size < 0) throw new RangeError(`not a size in bytes: ${size}`);
        if (size > maxBytes) return { kind: 'unscannable', reason: 'tooLarge' };
        const startedAt = performance.now();
        const ending = await clamdExchange(() => scanner.scanStream(feed, CLAMDJS_TIMEOUT_MS), {
          connectTimeoutMs,
          cutoff,
          isSent: () => feed.readableEnded,
          onSocket: (socket) => feed.leadsTo(socket),
        });
        if (ending.orderly && !feed.isAllWritten) {
          throw new ScanFault('protocol', 'what was sent to clamd is not what it should be');
        }
        const verdict = verdictOf(ending);
        // docs/platform-facts.md#a-clock-that-is-set-forward
        if (saysTimeIsUp(verdict) && performance.now() - startedAt < CLAMAV_MAX_SCAN_MS) {
          throw new ScanFault('timeout', 'clamd ended the scan too early: its clock was set forward');
        }
        return verdict;
      } finally {
        feed.destroy();
      }
    },

    async version(signal) {
      return parseVersion(await ask(() => version(host, port, CLAMDJS_TIMEOUT_MS), signal));
    },

    async ping(signal) {
      const reply = await ask(() => ping(host, port, CLAMDJS_TIMEOUT_MS), signal);
      if (!reply.equals(PONG)) throw new ScanFault('protocol', 'clamd did not answer PING with PONG');
    },
  };
}

const PONG = Buffer.from('PONG\0');

/**
 * A verdict counts only on a complete stream. Of what clamd may say earlier, only that the stream is too large is an
 * outcome; it then breaks the connection at will
 * (docs/platform-facts.md#streams-that-are-too-large). If a write runs into that first, in about
 * 1 of 100 cases, the reply is lost, and it is a `connectionLost` to be retried; `maxBytes` avoids it altogether.
 */
function verdictOf({ reply, orderly }: Ending): Verdict {
  const verdict = parseReply(reply);
  if (orderly || (verdict.kind === 'unscannable' && verdict.reason === 'tooLarge')) return verdict;
  throw new ScanFault('protocol', `the reply does not end a complete scan: ${JSON.stringify(`${reply}`)}`);
}

function saysTimeIsUp(verdict: Verdict): boolean {
  return verdict.kind === 'unscannable' && verdict.detail === 'Heuristics.Limits.Exceeded.MaxScanTime';
}

function checkOptions(options: ClamdOptions): void {
  for (const name of ['connectTimeoutMs', 'idleTimeoutMs', 'totalTimeoutMs', 'port', 'maxBytes'] as const) {
    const value = options[name];
    if (value === undefined && name === 'maxBytes') continue;
    const max = name === 'port' ? 65_535 : name === 'maxBytes' ? Number.MAX_SAFE_INTEGER : CLAMDJS_TIMEOUT_MS;
    if (!Number.isInteger(value) || Number(value) < 1 || Number(value) > max) {
      throw new RangeError(`${name} must be a whole number from 1 to ${max}`);
    }
  }
  if (options.host === '') throw new RangeError('host must not be empty');
}
