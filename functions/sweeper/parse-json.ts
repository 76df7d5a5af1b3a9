import * as v from 'valibot';

/** @param failure makes the error to throw where the text is no JSON of that schema */
export function parseJson<const Schema extends v.GenericSchema>(
  schema: Schema,
  text: string,
  failure: (cause: unknown) => Error,
): v.InferOutput<Schema> {
  try {
    return v.parse(schema, JSON.parse(text));
  } catch (cause) {
    throw failure(cause);
  }
}
