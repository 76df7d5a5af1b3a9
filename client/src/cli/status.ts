import { readFile } from 'node:fs/promises';
import { FileshareConnectionError, problemOf } from '../errors.ts';
import { type Context, print } from './context.ts';
import { UsageError } from './exit.ts';
import { formatValues, readingsOf, readValues } from './readings.ts';

/**
 * `fileshare admin status [--name NAME]`: what the dashboard shows, as numbers.
 * @throws {UsageError}, {FileshareProblem}, {FileshareConnectionError}
 */
export async function statusCommand(context: Context, { name }: { name: string }): Promise<void> {
  const { env, signal, common } = context;
  const [base, file] = [env['FILESHARE_METRICS_URL'], env['FILESHARE_METRICS_TOKEN_FILE']];
  const token = env['FILESHARE_METRICS_TOKEN'] || (file && (await readFile(file, 'utf8')).trim());
  if (!base || !token) {
    throw new UsageError(
      'Set FILESHARE_METRICS_URL to https://monitoring.googleapis.com/v1/projects/PROJECT/location/global/prometheus and ' +
        'FILESHARE_METRICS_TOKEN to an access token, as from `gcloud auth print-access-token`. ' +
        'With `npm start`: eval "$(npm run --silent operator)"',
    );
  }
  const ask = async (path: string) => {
    const url = `${base.replace(/\/+$/, '')}${path}`;
    const headers = { authorization: `Bearer ${token}` };
    const response = await fetch(url, { headers, signal }).catch((cause: unknown) => {
      signal.throwIfAborted();
      throw new FileshareConnectionError(`${url}: no answer`, { cause });
    });
    if (!response.ok) throw await problemOf(response);
    return response;
  };
  const readings = readingsOf(name);
  const values = await Promise.all(readings.map((reading) => readValues(reading, ask)));
  if (common.json) {
    const report = Object.fromEntries(readings.map((reading, at) => [reading.name, values[at] ?? null]));
    return print(context, report, '');
  }
  const width = Math.max(...readings.map(({ title }) => title.length));
  for (const [at, reading] of readings.entries()) {
    print(context, {}, `${reading.title.padEnd(width)}  ${formatValues(reading, values[at])}`);
  }
}
