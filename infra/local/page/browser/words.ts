// One that is made for each of many rows takes longer than the row.
const CLOCK = new Intl.DateTimeFormat(undefined, { timeStyle: 'medium', hourCycle: 'h23' });
const MOMENT = new Intl.DateTimeFormat(undefined, { dateStyle: 'short', timeStyle: 'short' });
const EXACT_MOMENT = new Intl.DateTimeFormat(undefined, { dateStyle: 'short', timeStyle: 'medium' });
const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];

/** `12.5 MiB` */
export function bytes(count: number): string {
  const power = count < 1024 ? 0 : Math.min(UNITS.length - 1, Math.floor(Math.log2(count) / 10));
  const value = count / 1024 ** power;
  return `${value.toFixed(power === 0 || value >= 100 ? 0 : 1)} ${UNITS[power]}`;
}

/** `84 ms`, `1.20 s` or `2 min 5 s` */
export function duration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(ms < 10_000 ? 2 : 1)} s`;
  return `${Math.floor(ms / 60_000)} min ${Math.round((ms % 60_000) / 1000)} s`;
}

/** `8 s`, `2 min` or `1 h 5 min`: what is guessed is not told to the second. */
export function rounded(seconds: number): string {
  if (seconds < 60) return `${Math.ceil(seconds)} s`;
  const minutes = Math.ceil(seconds / 60);
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** The time of day of an RFC 3339 time, as people here write it. */
export function clock(time: string): string {
  return CLOCK.format(new Date(time));
}

/** The day and the time of day of an RFC 3339 time, as people here write them. */
export function moment(time: string): string {
  return MOMENT.format(new Date(time));
}

/** The same, to the second. */
export function exactMoment(time: string): string {
  return EXACT_MOMENT.format(new Date(time));
}

/** The beginning and the end of what is too long to read. */
export function shortened(text: string): string {
  return text.length <= 20 ? text : `${text.slice(0, 8)}…${text.slice(-6)}`;
}

/** The error, for people. */
export function saying(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
