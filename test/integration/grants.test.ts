import assert from 'node:assert/strict';
import type { Grant, Refusal } from '../../infra/local/iam/policy.ts';
import { usesOf } from '../support/grant-uses.ts';
import { Enforced, without } from '../support/grants.ts';
import { Service } from '../support/service.ts';

/** Of what is done once the answer is out. */
const LATE_MS = 1_000;
/** Needed by scripts that the local platform does not run: test/infra/clamav/grants.test.ts. */
const ELSEWHERE = /^(mirror|scanner)\.signatures$/;
/** Only what is a day old is collected there, by the clock of Cloud Storage: test/functions/sweeper/collect.test.ts. */
const TOO_YOUNG = 'sweeper.records idempotency/';

describe('every grant of the Terraform module', function () {
  this.timeout(400_000);
  const service = new Service(
    { STUCK_AFTER_SECONDS: '4', ACCEPT_UNSCANNABLE: 'encrypted' },
    {
      adapt: (spec) => {
        if (spec.name === 'storage') return { ...spec, env: { ...spec.env, BACKOFF_MS: '50-200' } };
        return spec.name === 'sweeper' ? { ...spec, env: { ...spec.env, TOMBSTONE_DAYS: '1' } } : spec;
      },
    },
  );
  const enforced = new Enforced(service);
  const uses = usesOf(service);
  /** By `GRANT PERMISSION`. */
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
    const unneeded: string[] = [];
    for (const { name, account, permissions } of grants) {
      for (const permission of permissions) {
        await enforced.replace(without(grants, name, permission));
        await enforced.forget();
        const missed = ({ permission: refused }: Refusal) => refused === permission;
        if (!(await isMissed(account, missed, usedBy.get(`${name} ${permission}`) ?? []))) {
          unneeded.push(`${name} ${permission}`);
        }
        await enforced.replace(grants);
        await service.clearFaults();
      }
    }
    assert.deepEqual(unneeded, []);
  });

  it('is needed below each of its prefixes', async () => {
    const unneeded: string[] = [];
    for (const grant of grants.filter(({ prefixes }) => prefixes.length > 1)) {
      const { name, account, bucket } = grant;
      const candidates = new Set(grant.permissions.flatMap((each) => usedBy.get(`${name} ${each}`) ?? []));
      for (const prefix of grant.prefixes) {
        const narrower = { ...grant, prefixes: grant.prefixes.filter((each) => each !== prefix) };
        await enforced.replace(grants.map((each) => (each === grant ? narrower : each)));
        await enforced.forget();
        const missed = ({ resource }: Refusal) => resource.startsWith(`${bucket}/${prefix}`);
        if (!(await isMissed(account, missed, [...candidates]))) unneeded.push(`${name} ${prefix}`);
        await enforced.replace(grants);
        await service.clearFaults();
      }
    }
    assert.deepEqual(unneeded, [TOO_YOUNG]);
  });

  async function isMissed(
    account: string,
    missed: (refusal: Refusal) => boolean,
    candidates: readonly string[],
  ): Promise<boolean> {
    for (const what of candidates) {
      let ended = 0;
      void uses[what]?.()
        .catch(() => undefined)
        .then(() => (ended = Date.now()));
      while (!ended || Date.now() - ended < LATE_MS) {
        if ((await enforced.refusalsOf(account)).some(missed)) return true;
        await new Promise((resolve) => setTimeout(resolve, 25));
      }
    }
    return false;
  }
});
