/** @returns RFC 3339; a text as it is, which the service checks */
export function timeOf(at: Date | string): string;
export function timeOf(at: Date | string | undefined): string | undefined;
export function timeOf(at: Date | string | undefined): string | undefined {
  return at instanceof Date ? at.toISOString() : at;
}

export function isSameTime(one: string | undefined, other: string): boolean {
  return one !== undefined && Date.parse(one) === Date.parse(other);
}
