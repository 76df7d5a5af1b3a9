import * as v from 'valibot';

/** A variable of the environment as a bucket name, a positive integer and so on; its message says what it should be. */
export const bucketName = v.pipe(
  v.string('should be the name of a bucket'),
  v.regex(/^[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]$/, 'should be the name of a bucket'),
);

export const nonEmpty = v.pipe(v.string('should be set'), v.minLength(1, 'should not be empty'));

export const port = integer(1, 65_535);

export const logLevel = v.optional(
  v.picklist(
    ['trace', 'debug', 'info', 'warn', 'error', 'fatal'],
    'should be trace, debug, info, warn, error or fatal',
  ),
  'info',
);

/** A whole number, both bounds included. */
export function integer(least: number, most: number) {
  const message = `should be a whole number from ${least} to ${most}`;
  return v.pipe(
    v.string(message),
    v.regex(/^\d{1,16}$/, message),
    v.transform(Number),
    v.minValue(least, message),
    v.maxValue(most, message),
  );
}

/** `true` or `false`. */
export const flag = v.pipe(
  v.picklist(['true', 'false'], 'should be true or false'),
  v.transform((text) => text === 'true'),
);

/** Base URL of a collector; returned as it is. */
const otlpEndpoint = v.pipe(
  v.string(),
  v.check((text) => /^https?:$/.test(URL.parse(text)?.protocol ?? ''), 'should be an http or https URL'),
);

const URL_EXPECTED = 'should be an http or https URL without query';

/** Where clients reach the files function; returned without a trailing slash. */
export const requiredFilesUrl = v.pipe(
  v.string(URL_EXPECTED),
  v.regex(/^https?:\/\/[^\s?#]+$/, URL_EXPECTED),
  v.check((text) => URL.canParse(text), URL_EXPECTED),
  v.transform((url) => url.replace(/\/+$/, '')),
);

/** The same, of a function that can do without. */
export const filesUrl = v.optional(requiredFilesUrl);

/** Scope in which a content is stored and scanned once. */
export const deduplicationScope = v.optional(
  v.picklist(['global', 'owner'], 'should be global or owner'),
  'global',
);

/** Words of a vocabulary, separated by commas. */
export function listOf<const Word extends string>(words: readonly Word[]) {
  return v.pipe(
    v.string(),
    v.transform((text) => text.split(',').filter((word) => word !== '')),
    v.array(v.picklist(words, `should be some of ${words.join(', ')}, separated by commas`)),
  );
}

/** Whole numbers from 1 on, separated by commas; `none` for none. */
export function numbers(most: number) {
  const message = `should be whole numbers from 1 to ${most}, separated by commas`;
  return v.pipe(
    v.string(message),
    v.transform((text) => (text === 'none' ? [] : text.split(',').map(Number))),
    v.array(v.pipe(v.number(message), v.integer(message), v.minValue(1, message), v.maxValue(most, message))),
  );
}

/** JSON in a variable, parsed and then checked by `schema`. */
export function json<const Schema extends v.GenericSchema>(schema: Schema) {
  return v.pipe(
    v.string('should be JSON'),
    v.rawTransform(({ dataset, addIssue, NEVER }) => {
      try {
        return JSON.parse(dataset.value) as unknown;
      } catch {
        addIssue({ message: 'should be JSON' });
        return NEVER;
      }
    }),
    schema,
  );
}

/** Configuration that every function reads. */
export const commonVariables = {
  LOG_LEVEL: logLevel,
  GOOGLE_CLOUD_PROJECT: v.optional(nonEmpty, 'local'),
  STORAGE_EMULATOR_HOST: v.optional(v.string()),
  /** Whether emulators are called with the credentials of our service account, as Google's services are. */
  EMULATOR_CREDENTIALS: v.optional(flag, 'false'),
  STORAGE_TIMEOUT_SECONDS: v.optional(integer(1, 300), '30'),
  REQUEST_TIMEOUT_SECONDS: v.optional(integer(1, 3_600), '3600'),
  PERMANENT_BUCKET: bucketName,
  OTEL_EXPORTER_OTLP_ENDPOINT: v.optional(otlpEndpoint),
  /** Set by Cloud Run: https://cloud.google.com/run/docs/container-contract#services-env-vars */
  K_SERVICE: v.optional(v.string()),
  K_REVISION: v.optional(v.string()),
};

/**
 * Reads the environment once. An empty variable counts as not set.
 * @throws {Error} one line a variable: its name and what it should be, never its value
 */
export function readConfig<const Entries extends v.ObjectEntries>(
  entries: Entries,
  environment: Readonly<Record<string, string | undefined>>,
): v.InferOutput<v.ObjectSchema<Entries, undefined>> {
  const present = Object.fromEntries(Object.entries(environment).filter(([, value]) => value));
  const result = v.safeParse(v.object(entries), present);
  if (result.success) return result.output;
  const lines = result.issues.map((issue) => {
    const [variable, ...inside] = (issue.path ?? []).map((item) => String(item.key));
    const where = inside.length > 0 ? `${variable} (${inside.join('.')})` : variable;
    const missing = variable !== undefined && !(variable in present);
    return `${where} ${missing ? 'is not set' : 'is not valid'}: ${missing ? describe(entries, variable) : issue.message}`;
  });
  throw new Error(`Configuration: ${[...new Set(lines)].join('; ')}`);
}

/** The expected value of a missing variable: the complaint of its own schema about `undefined`. */
function describe(entries: v.ObjectEntries, variable: string): string {
  const schema = entries[variable] as v.GenericSchema | undefined;
  const complaint = schema && v.safeParse(schema, undefined).issues?.[0]?.message;
  return complaint ?? 'should be set';
}
