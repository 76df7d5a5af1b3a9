import { MAX_FIELD_LENGTH } from '../../../shared/http/list.ts';

/** Whether an Accept header asks for FHIR rather than for plain JSON. */
export function prefersFhir(accept: string | undefined): boolean {
  return prefers(accept, 'application/fhir+json', 'application/json');
}

/**
 * Whether an Accept header (RFC 9110 section 12.5.1) asks for `special` by name, and does not like `usual` better. A
 * client that accepts anything, or nothing that we have, gets what is usual: that is more use than a 406 (section 15.5.7
 * leaves it to the server). Parameters such as `fhirVersion` are not looked at, nor is a list that is too long to be
 * meant.
 */
export function prefers(accept: string | undefined, special: string, usual: string): boolean {
  if (accept !== undefined && accept.length > MAX_FIELD_LENGTH) return false;
  const qualities = new Map<string, number>();
  for (const range of accept?.split(',') ?? []) {
    const [type = '', ...parameters] = range.split(';').map((part) => part.trim().toLowerCase());
    qualities.set(type, Math.max(qualityOf(parameters), qualities.get(type) ?? 0));
  }
  const wanted = qualities.get(special) ?? 0;
  // The most specific range that matches is the one that counts.
  const plain = qualities.get(usual) ?? qualities.get('application/*') ?? qualities.get('*/*') ?? 0;
  return wanted > 0 && wanted >= plain;
}

/** 0 for a weight that is not valid: what was not said clearly was not asked for. */
function qualityOf(parameters: readonly string[]): number {
  const weight = parameters.find((parameter) => parameter.startsWith('q='));
  if (weight === undefined) return 1;
  return /^q=(?:0(?:\.\d{0,3})?|1(?:\.0{0,3})?)$/.test(weight) ? Number(weight.slice(2)) : 0;
}
