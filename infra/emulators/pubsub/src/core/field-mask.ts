import { invalid } from './status.ts';

type Fields = Readonly<Record<string, unknown>>;

/**
 * Lays the fields of `patch` that `paths` names over `current`; a named field that `patch` lacks is cleared.
 * Paths may be snake_case (gRPC) or camelCase (JSON), and may go into a message (`push_config.push_endpoint`).
 * Throws INVALID_ARGUMENT for no paths at all, and for a field not in `mutable`.
 */
export function applyMask(
  current: object,
  patch: object,
  paths: readonly string[],
  mutable: readonly string[],
): Fields {
  if (paths.length === 0) throw invalid('The update_mask must be set, and must name at least one field.');
  let updated: Fields = { ...current };
  for (const path of paths) {
    const steps = path.split('.').map(camelCase);
    if (!mutable.includes(steps[0] ?? '')) {
      throw invalid(`Invalid update_mask provided in the request: ${path} cannot be updated.`);
    }
    updated = overlay(updated, { ...patch }, steps);
  }
  return updated;
}

function overlay(target: Fields, source: Fields, [step, ...rest]: readonly string[]): Fields {
  if (step === undefined) return target;
  const value = rest.length === 0 ? source[step] : overlay(fields(target[step]), fields(source[step]), rest);
  const { [step]: _replaced, ...others } = target;
  return value === undefined ? others : { ...others, [step]: value };
}

const fields = (value: unknown): Fields => (typeof value === 'object' && value !== null ? { ...value } : {});

export const camelCase = (name: string): string =>
  name.replace(/_([a-z0-9])/g, (_match, letter: string) => letter.toUpperCase());
