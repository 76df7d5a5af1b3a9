import { styleText } from 'node:util';
import * as v from 'valibot';

/** pino's numeric levels (its documentation, "Log level"). */
const WARN = 40;
const ERROR = 50;
const SEVERITIES: Readonly<Record<string, number>> = { WARNING: WARN, WARN, ERROR, CRITICAL: 60, ALERT: 60 };

const RECORD = v.looseObject({
  level: v.optional(v.union([v.number(), v.string()])),
  severity: v.optional(v.string()),
  msg: v.optional(v.string()),
  message: v.optional(v.string()),
  err: v.optional(v.looseObject({ message: v.optional(v.string()) })),
});

/**
 * One readable line for the console out of a child's log line, or undefined where it is no warning.
 * Structured lines are judged by their level; of the others, those on stderr are shown, without stack frames.
 */
export function consoleLine(name: string, line: string, stream: 'stdout' | 'stderr'): string | undefined {
  const record = parse(line);
  if (!record) return stream === 'stderr' && /^\S/.test(line) ? format(name, 'stderr', line) : undefined;
  const level = levelOf(record);
  if (level < WARN) return undefined;
  const text = [record.msg ?? record.message, record.err?.message].filter(Boolean).join(': ');
  return format(name, level < ERROR ? 'warning' : 'error', text || line);
}

function parse(line: string): v.InferOutput<typeof RECORD> | undefined {
  if (!line.startsWith('{')) return undefined;
  try {
    const result = v.safeParse(RECORD, JSON.parse(line));
    return result.success ? result.output : undefined;
  } catch {
    return undefined;
  }
}

function levelOf({ level, severity }: v.InferOutput<typeof RECORD>): number {
  if (typeof level === 'number') return level;
  return SEVERITIES[(severity ?? level ?? '').toUpperCase()] ?? 0;
}

function format(name: string, kind: 'warning' | 'error' | 'stderr', text: string): string {
  const colour = kind === 'warning' ? 'yellow' : 'red';
  return `${styleText('dim', name)} ${styleText(colour, kind === 'stderr' ? 'error' : kind)} ${text}`;
}
