import { ScanFault } from './verdict.ts';

/** Which engine and which signatures gave a verdict. */
export interface EngineVersion {
  /** ClamAV's release, such as `1.4.6`. */
  readonly engine: string;
  /** Version of the official daily database; absent where only private signatures are loaded. */
  readonly database?: number;
  /** When that database was built, ISO 8601 in UTC. clamd prints its local time, and runs in UTC here. */
  readonly databaseDate?: string;
}

/** The same, as handles and events show it. */
export interface ShownEngine {
  readonly version: string;
  readonly database?: number;
  readonly databaseDate?: string;
}

export function shownEngine({ engine, ...signatures }: EngineVersion): ShownEngine {
  return { version: engine, ...signatures };
}

/**
 * Whether an engine may know less than another: by its release, or by its signatures. One that lost its official database does, whatever
 * its date.
 */
export function isOlder(engine: EngineVersion, before: EngineVersion): boolean {
  const isOlderRelease = engine.engine.localeCompare(before.engine, 'en', { numeric: true }) < 0;
  return isOlderRelease || (before.database !== undefined && (engine.database ?? -1) < before.database);
}

const REPLY =
  /^ClamAV (\d[\w.+~-]*)(?:\/(\d{1,10})\/([A-Za-z]{3} [A-Za-z]{3} [ \d]\d \d\d:\d\d:\d\d \d{4}))?\0$/;

/**
 * Parses the reply to `zVERSION`: `ClamAV 1.4.6/27000/Mon Nov 10 09:00:00 2025`, or without the last two where no
 * official database is loaded.
 *
 * @throws {ScanFault} `protocol`
 */
export function parseVersion(reply: Uint8Array | string): EngineVersion {
  const text = typeof reply === 'string' ? reply : Buffer.from(reply).toString('latin1');
  const [, engine, database, built] = REPLY.exec(text) ?? [];
  if (engine === undefined) throw unparseable(text);
  if (database === undefined || built === undefined) return { engine };
  const date = new Date(`${built} UTC`);
  if (Number.isNaN(date.getTime())) throw unparseable(text);
  return { engine, database: Number(database), databaseDate: date.toISOString() };
}

function unparseable(text: string): ScanFault {
  return new ScanFault(
    'protocol',
    `clamd's version is not understood: ${JSON.stringify(text.slice(0, 120))}`,
  );
}
