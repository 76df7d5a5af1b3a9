import { type Logger, pino } from 'pino';

export type { Logger };

/** https://cloud.google.com/logging/docs/reference/v2/rest/v2/LogEntry#logseverity */
const SEVERITY: Readonly<Record<string, string>> = {
  trace: 'DEBUG',
  debug: 'DEBUG',
  info: 'INFO',
  warn: 'WARNING',
  error: 'ERROR',
  fatal: 'CRITICAL',
};

const { error: ERROR = 50 } = pino.levels.values;

/**
 * Lines of JSON as Cloud Logging reads them from standard output. No file name, no token goes into one.
 *
 * A line is out when the call returns, whatever ends the process after that: the audit log would be of little use
 * otherwise. It also costs less than handing each line to another thread, as pino does by default. The price: who reads
 * standard output and stalls, stalls the process.
 */
export function createLog(service: string, level: string): Logger {
  return pino(
    {
      level,
      messageKey: 'message',
      base: { service },
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: { level: (label) => ({ severity: SEVERITY[label] ?? 'DEFAULT' }) },
      hooks: {
        logMethod(args, method, level) {
          const [fields, ...rest] = args as [unknown, ...never[]];
          method.apply(this, [level < ERROR ? fields : withStackTrace(fields), ...rest] as typeof args);
        },
      },
    },
    pino.destination({ sync: true }),
  );
}

/**
 * Error Reporting groups errors by the stack in `stack_trace` or, without one, in `message`. It does not look for a
 * stack elsewhere in a line that has a message, so `err.stack` alone is not enough.
 * https://cloud.google.com/error-reporting/docs/formatting-error-messages
 */
function withStackTrace(fields: unknown): unknown {
  if (fields instanceof Error) return { err: fields, stack_trace: fields.stack };
  if (typeof fields !== 'object' || fields === null || !('err' in fields)) return fields;
  return fields.err instanceof Error ? { ...fields, stack_trace: fields.err.stack } : fields;
}
