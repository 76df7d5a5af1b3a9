type Defined<Members> = {
  [Name in keyof Members as undefined extends Members[Name] ? never : Name]: Members[Name];
} & {
  [Name in keyof Members as undefined extends Members[Name] ? Name : never]?: Exclude<
    Members[Name],
    undefined
  >;
};

/**
 * Returns a copy of `members` without those that are undefined, for objects whose members may be absent but not undefined
 * (`exactOptionalPropertyTypes`). Null, false, 0 and '' stay. In an object of a declared type, spread `defined` of the optional
 * members, and write the others beside it: the compiler reports a member that the type does not have only there.
 */
export function defined<Members extends Readonly<Record<string, unknown>>>(
  members: Members,
): Defined<Members> {
  const kept = Object.entries(members).filter(([, value]) => value !== undefined);
  // The compiler cannot tell which names are left.
  return Object.fromEntries(kept) as Defined<Members>;
}
