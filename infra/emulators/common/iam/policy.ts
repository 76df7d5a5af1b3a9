import * as v from 'valibot';

const Grant = v.strictObject({
  name: v.string(),
  /** Email of a service account, or `allUsers`. */
  account: v.string(),
  bucket: v.exactOptional(v.string()),
  topic: v.exactOptional(v.string()),
  permissions: v.array(v.string()),
  /** An IAM condition: names of objects begin with one of these. Empty for all. */
  prefixes: v.array(v.string()),
});

export const Grants = v.array(Grant);
export type Grant = v.InferOutput<typeof Grant>;

/** Any caller, with or without credentials. */
export const ANYBODY = 'allUsers';

/** The resource that a permission is needed on. */
export type Resource =
  | { readonly bucket: string; readonly object?: string | undefined }
  | { readonly topic: string };

export interface Refusal {
  readonly account: string;
  readonly permission: string;
  readonly resource: string;
}

const REFUSALS_KEPT = 1_000;

/** The grants of a deployment, which tests may change, with a record of their use. */
export class Policy {
  readonly #administrator: string;
  #grants: readonly Grant[];
  readonly #used = new Set<string>();
  #refusals: Refusal[] = [];

  /** @param administrator email of the account that may do everything */
  constructor(administrator: string, grants: readonly Grant[]) {
    this.#administrator = administrator;
    this.#grants = grants;
  }

  get grants(): readonly Grant[] {
    return this.#grants;
  }

  set grants(grants: readonly Grant[]) {
    this.#grants = grants;
  }

  /** `GRANT PERMISSION` for all that allowed something since the last {@link forget}. */
  get used(): readonly string[] {
    return [...this.#used].sort();
  }

  get refusals(): readonly Refusal[] {
    return this.#refusals;
  }

  forget(): void {
    this.#used.clear();
    this.#refusals = [];
  }

  allows(account: string, permission: string, resource: Resource): boolean {
    if (account === this.#administrator) return true;
    const allowing = this.#grants.filter(
      (grant) =>
        (grant.account === account || grant.account === ANYBODY) &&
        grant.permissions.includes(permission) &&
        covers(grant, resource),
    );
    for (const { name } of allowing) this.#used.add(`${name} ${permission}`);
    return allowing.length > 0;
  }

  /** Applies the same rule as {@link allows}, and a refusal is counted. */
  admits(account: string, permission: string, resource: Resource): boolean {
    if (this.allows(account, permission, resource)) return true;
    if (this.#refusals.length < REFUSALS_KEPT) {
      this.#refusals.push({ account, permission, resource: textOf(resource) });
    }
    return false;
  }
}

/** The name of a bucket begins with no prefix of objects: a condition on names does not let anybody list. */
function covers({ bucket, topic, prefixes }: Grant, resource: Resource): boolean {
  if ('topic' in resource) return topic === resource.topic;
  if (bucket !== resource.bucket) return false;
  const { object } = resource;
  return prefixes.length === 0 || prefixes.some((prefix) => object?.startsWith(prefix));
}

function textOf(resource: Resource): string {
  if ('topic' in resource) return `topics/${resource.topic}`;
  return resource.object === undefined ? resource.bucket : `${resource.bucket}/${resource.object}`;
}
