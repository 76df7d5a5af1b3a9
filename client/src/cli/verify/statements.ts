import { type VerdictKeys, verifyVerdict } from '../../node-verdict.ts';
import { jsonOf, problemOf, requireStatus } from './answer.ts';
import { type Check, type Run, sentBefore } from './check.ts';
import { mustBe, NotChecked, NotHeld } from './not-held.ts';

export const statements: Check = {
  id: 'verdict-signed',
  promise: 'The verdict on a clean file is signed and matches its bytes',
  look: 'VERDICT_KEY of the files function, and its grants on the key (docs/verdicts.md).',
  run: async (run) => {
    const { id, bytes, decided } = sentBefore(run, 'small');
    const known = await decided.catch(() => undefined);
    if (known?.handle.state !== 'clean') throw new NotChecked('its file did not become clean, see above');
    const answer = await run.owner.call('GET', `/files/${id}/verdict`);
    if (problemOf(answer)?.code === 'verdicts-not-signed')
      throw new NotChecked('this deployment does not sign verdicts');
    requireStatus(answer, 200);
    const keys = await keysOf(run);
    const { predicate } = await verifyVerdict(answer.body.toString(), keys, once(bytes)).catch(
      (error: Error) => {
        throw new NotHeld('a valid signed statement', error.message);
      },
    );
    mustBe('verdict', predicate.verdict, 'clean');
    return undefined;
  },
};

async function keysOf({ nobody }: Run): Promise<VerdictKeys> {
  return jsonOf(await nobody.expect([200], 'GET', '/.well-known/jwks.json'));
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
