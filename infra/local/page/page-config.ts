import * as v from 'valibot';

/** Cloud Storage, to which large files go straight. */
const STORAGE_ORIGIN = 'https://storage.googleapis.com';

const url = v.pipe(
  v.string(),
  v.check((text) => isTrusted(URL.parse(text)), 'should be an https URL, or an http URL of this machine'),
);

const CONFIG = v.strictObject({
  issuer: url,
  clientId: v.pipe(v.string(), v.minLength(1)),
  scope: v.pipe(v.string(), v.regex(/(?:^| )openid(?: |$)/, 'should name openid')),
  filesUrl: url,
  uploadUrl: url,
  resource: v.optional(url),
  audience: v.optional(v.string()),
  principal: v.optional(v.pipe(v.string(), v.includes('{')), '{sub}'),
  connectTo: v.optional(v.array(url), []),
  liveUrl: v.optional(url),
  operators: v.optional(v.strictObject({ scope: v.string(), ordersUrl: url, metricsUrl: url })),
});

/** The `config.json` beside the page; docs/page.md has its members. */
export type PageConfig = v.InferOutput<typeof CONFIG>;

/** @throws {Error} one line that names each member that is not what it should be */
export function parsePageConfig(value: unknown): PageConfig {
  const read = v.safeParse(CONFIG, value);
  if (read.success) return read.output;
  const wrong = read.issues.map((issue) => `${v.getDotPath(issue) ?? 'it'}: ${issue.message}`);
  throw new Error(`The configuration of the page is wrong. ${wrong.join('; ')}`);
}

/** Origins that the page asks. */
export function originsOf(config: PageConfig): readonly string[] {
  const { issuer, filesUrl, uploadUrl, connectTo, liveUrl, operators } = config;
  const urls = [issuer, filesUrl, uploadUrl, STORAGE_ORIGIN, ...connectTo];
  const more = [liveUrl, operators?.ordersUrl, operators?.metricsUrl].filter((each) => each !== undefined);
  return [...new Set([...urls, ...more].map((each) => new URL(each).origin))];
}

/** Nobody changes on the way what comes by TLS, or from this machine. */
function isTrusted(url: URL | null): boolean {
  if (url?.protocol === 'https:') return true;
  return url?.protocol === 'http:' && ['localhost', '127.0.0.1', '[::1]'].includes(url.hostname);
}
