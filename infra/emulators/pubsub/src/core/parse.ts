import * as v from 'valibot';
import { invalid, RpcError } from './status.ts';

/** Parses a request, or throws INVALID_ARGUMENT that names the field. */
export function parse<T extends v.GenericSchema>(schema: T, input: unknown): v.InferOutput<T> {
  const result = v.safeParse(schema, input);
  if (result.success) return result.output;
  const [issue] = result.issues;
  throw invalid(`${v.getDotPath(issue) ?? 'request'}: ${issue.message}`);
}

/**
 * Refuses a feature that is not emulated, so that nobody relies on it here and finds it missing.
 * `input` is a request before parsing, which drops unknown fields.
 */
export function refuse(input: unknown, features: readonly string[]): void {
  if (typeof input !== 'object' || input === null) return;
  const asked = features.find((feature) => {
    const value: unknown = Reflect.get(input, feature);
    return Array.isArray(value) ? value.length > 0 : Boolean(value);
  });
  if (asked !== undefined) throw new RpcError('UNIMPLEMENTED', `${asked} is not emulated`);
}
