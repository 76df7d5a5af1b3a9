declare const principal: unique symbol;
/** Who: `org:889640782`, `app:<id>`, `user:<oid>` or `group:<id>`. */
export type Principal = string & { readonly [principal]: true };

/** Short enough that an owner and many viewers fit the 8 KiB of an object's metadata; no separator of ours inside. */
const SHAPE = /^(org|app|user|group):[A-Za-z0-9][A-Za-z0-9._@:-]{0,127}$/;

export function parsePrincipal(text: unknown): Principal | undefined {
  return typeof text === 'string' && SHAPE.test(text) ? (text as Principal) : undefined;
}
