/** Registers one case of a contract, as `it` does. A case is small, so that an exception excuses one thing. */
export type Cases<Subject> = (title: string, run: (subject: Subject) => Promise<void>) => void;

/** Titles of cases that an endpoint is known not to pass, each with the reason. */
export type Exceptions = Readonly<Record<string, string>>;

/** Milliseconds: an exception whose case waits for something that never comes has failed by then. */
const PATIENCE_MS = 5_000;

/**
 * Registers the cases of `suites` in the enclosing `describe`. An exception is still run and reported as skipped
 * with its reason; it fails if its case passes, or if there is no such case, so that the list stays true.
 */
export function registerCases<Subject>(
  suites: readonly ((cases: Cases<Subject>) => void)[],
  subject: () => Subject,
  exceptions: Exceptions = {},
  register: (title: string, run: (this: Pick<Mocha.Context, 'skip'>) => Promise<void>) => unknown = it,
): void {
  const known = new Set<string>();
  const cases: Cases<Subject> = (title, run) => {
    if (known.has(title)) throw new Error(`two cases have the title: ${title}`);
    known.add(title);
    const reason = exceptions[title];
    if (reason === undefined) register(title, () => run(subject()));
    else
      register(`${title} (exception: ${reason})`, async function () {
        if (await passes(() => run(subject())))
          throw new Error(`passes, but is listed as an exception: ${reason}`);
        this.skip();
      });
  };
  for (const suite of suites) suite(cases);
  const unknown = Object.keys(exceptions).filter((title) => !known.has(title));
  if (unknown.length > 0) throw new Error(`exceptions that name no case: ${unknown.join('; ')}`);
}

async function passes(run: () => Promise<void>): Promise<boolean> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error('no end')), PATIENCE_MS);
  try {
    await Promise.race([run(), late]);
    return true;
  } catch {
    return false;
  } finally {
    clearTimeout(timer);
  }
}
