import assert from 'node:assert/strict';
import type { Grant, Refusal } from '../../infra/emulators/common/iam/policy.ts';
import { usesOf } from '../support/grant-uses.ts';
import { Enforced, without } from '../support/grants.ts';
import { Service } from '../support/service.ts';

/** Delay of the work that is done once the answer is out. */
const LATE_MS = 1_000;
/** Needed by scripts that the local platform does not run (test/infra/clamav/grants.test.ts), and by callbacks (callbacks.test.ts). */
const ELSEWHERE = /^((mirror|rescanner|scanner)\.signatures|notify\.records)$/;

/** A grant that is taken away is taken from a whole platform, so that each looks for itself. */
const PLATFORMS = 3;

/** Grants of which something is missing, and the uses that should be refused for it. */
interface Missing {
  readonly name: string;
  readonly account: string;
  readonly grants: readonly Grant[];
  readonly refused: (refusal: Refusal) => boolean;
  readonly candidates: readonly string[];
}

describe('every grant of the Terraform module', function () {
  this.timeout(900_000);
  const platforms = Array.from({ length: PLATFORMS }, () => {
    const service = new Service(
      { STUCK_AFTER_SECONDS: '4', ACCEPT_UNSCANNABLE: 'encrypted' },
      {
        adapt: (child) => {
          const spec = { ...child, env: { ...child.env, DEPLOYMENT_REFRESH_SECONDS: '1' } };
          if (spec.name === 'storage') return { ...spec, env: { ...spec.env, BACKOFF_MS: '50-200' } };
          const impatient = { AUDIT_GRACE_SECONDS: '1', AUDIT_BUDGET_SECONDS: '1' };
          if (spec.name === 'auditor') return { ...spec, env: { ...spec.env, ...impatient } };
          return spec.name === 'sweeper' ? { ...spec, env: { ...spec.env, TOMBSTONE_DAYS: '1' } } : spec;
        },
      },
    );
    return {
      service,
      enforced: new Enforced(service),
      uses: usesOf(service),
      running: new Set<Promise<unknown>>(),
    };
  });
  type Platform = (typeof platforms)[number];
  const [{ enforced, uses } = assert.fail()] = platforms;
  /** Callers by `GRANT PERMISSION`. */
  const usedBy = new Map<string, string[]>();
  let grants: readonly Grant[];

  before(async () => {
    grants = (await enforced.grants()).filter(({ name }) => !ELSEWHERE.test(name));
  });

  for (const [what, use] of Object.entries(uses)) {
    it(`together allow ${what}`, async () => {
      await enforced.forget();
      await use();
      assert.deepEqual(await enforced.refusals(), []);
      for (const pair of await enforced.used()) usedBy.set(pair, [...(usedBy.get(pair) ?? []), what]);
    });
  }

  it('is needed, with each of its permissions: without it, a use that is allowed with it is refused', async () => {
    assert.ok(grants.length > 20);
    const missing = grants.flatMap(({ name, account, permissions }) =>
      permissions.map((permission) => ({
        name: `${name} ${permission}`,
        account,
        grants: without(grants, name, permission),
        refused: (refusal: Refusal) => refusal.permission === permission,
        candidates: usedBy.get(`${name} ${permission}`) ?? [],
      })),
    );
    assert.deepEqual(await unneeded(missing), []);
  });

  it('is needed below each of its prefixes', async () => {
    const several = grants.filter(({ prefixes }) => prefixes.length > 1);
    const missing = several.flatMap((grant) => {
      const { name, account, bucket } = grant;
      const candidates = new Set(grant.permissions.flatMap((each) => usedBy.get(`${name} ${each}`) ?? []));
      return grant.prefixes.map((prefix) => {
        const narrower = { ...grant, prefixes: grant.prefixes.filter((each) => each !== prefix) };
        return {
          name: `${name} ${prefix}`,
          account,
          grants: grants.map((each) => (each === grant ? narrower : each)),
          refused: ({ resource }: Refusal) => resource.startsWith(`${bucket}/${prefix}`),
          candidates: [...candidates],
        };
      });
    });
    assert.deepEqual(await unneeded(missing), []);
  });

  /** Names of those that no use is refused for. */
  async function unneeded(missing: readonly Missing[]): Promise<string[]> {
    const queue = [...missing];
    const found: string[] = [];
    const work = platforms.map(async (platform) => {
      for (let next = queue.shift(); next; next = queue.shift()) {
        if (!(await isNeeded(platform, next))) found.push(next.name);
      }
    });
    await Promise.all(work);
    return found;
  }

  async function isNeeded(platform: Platform, missing: Missing): Promise<boolean> {
    const { service, enforced, running } = platform;
    for (const _ of ['first', 'alone']) {
      await enforced.replace(missing.grants);
      await enforced.forget();
      const refused = await isRefused(platform, missing);
      await enforced.replace(grants);
      await service.clearFaults();
      if (refused) return true;
      // An earlier use, which nobody waited for once it had been refused, may have been in the way.
      await Promise.all(running);
    }
    return false;
  }

  async function isRefused({ enforced, uses, running }: Platform, missing: Missing): Promise<boolean> {
    for (const what of missing.candidates) {
      let ended = 0;
      const use = (uses[what] ?? assert.fail())().catch(() => undefined);
      running.add(use);
      void use.then(() => {
        running.delete(use);
        ended = Date.now();
      });
      while (!ended || Date.now() - ended < LATE_MS) {
        if ((await enforced.refusalsOf(missing.account)).some(missing.refused)) return true;
        await new Promise((resolve) => setTimeout(resolve, 25));
      }
    }
    return false;
  }
});
