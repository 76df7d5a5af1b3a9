import assert from 'node:assert/strict';
import type { Handle } from '../../shared/files/handle.ts';
import { Service } from '../support/service.ts';
import { CASES } from './cases.ts';
import { eicarFinder } from './finder.ts';
import { type Result, tableOf } from './table.ts';

/** Uploads at once. */
const LANES = 4;
const EVERYTHING = 'encrypted,limitExceeded,unsupported,malformed';

interface Answer extends Result {
  readonly handle: Handle;
  /** The status of a download. */
  readonly download: number;
  readonly bytes: number;
}

describe('corpus: over HTTP, by the whole service', function () {
  this.timeout(600_000);
  const service = new Service();

  it('hands out no case', async () => {
    const answers = await uploadAll(service);
    process.stdout.write(`\n${tableOf(answers)}\n`);
    assert.deepEqual(namesOf(answers.filter(({ verdict }) => verdict === 'clean')), [], 'found clean');
    assert.deepEqual(namesOf(answers.filter(({ download }) => download !== 410)), [], 'handed out');
    assert.deepEqual(namesOf(answers.filter(({ bytes }) => bytes > 0)), [], 'bytes of it came along');
  });
});

describe(`corpus: over HTTP, with ACCEPT_UNSCANNABLE=${EVERYTHING}`, function () {
  this.timeout(600_000);
  const service = new Service({ ACCEPT_UNSCANNABLE: EVERYTHING });
  const finder = eicarFinder();

  it('hands out no case in which ClamAV can find the marker', async () => {
    const answers = await uploadAll(service);
    const findable = new Set<string>();
    for (const { kind, name, bytes } of CASES) {
      if (await finder.finds(bytes())) findable.add(`${kind}: ${name}`);
    }
    const handedOut = answers.filter(({ download }) => download === 200);
    process.stdout.write(
      `\n${tableOf(answers)}\nClamAV can find the marker in ${findable.size} of ${CASES.length}; handed out as accepted: ${handedOut.length}\n`,
    );
    assert.ok(findable.size > CASES.length / 4, `${findable.size}`);
    assert.deepEqual(
      namesOf(handedOut).filter((name) => findable.has(name)),
      [],
    );
    assert.deepEqual(namesOf(answers.filter(({ verdict }) => verdict === 'clean')), [], 'found clean');
    const unmarked = handedOut.filter(({ handle }) => handle.accepted !== true);
    assert.deepEqual(namesOf(unmarked), [], 'handed out without being marked as accepted');
  });
});

function namesOf(results: readonly Result[]): string[] {
  return results.map(({ kind, name }) => `${kind}: ${name}`);
}

async function uploadAll(service: Service): Promise<Answer[]> {
  const waiting = [...CASES];
  const answers: Answer[] = [];
  const lane = async () => {
    for (let next = waiting.shift(); next; next = waiting.shift()) {
      const { kind, name, bytes } = next;
      const { id } = await service.upload(Buffer.from(bytes()), {
        'content-type': 'application/octet-stream',
      });
      const handle = await service.decided(id, 120);
      const { state: verdict } = handle;
      if (verdict !== 'clean' && verdict !== 'infected' && verdict !== 'unscannable') {
        throw new Error(`${kind}: ${name} is ${verdict}`);
      }
      const response = await service.call('GET', `/files/${id}`);
      const content = Buffer.from(await response.arrayBuffer());
      const given = response.status === 410 ? 0 : content.length;
      answers.push({ kind, name, verdict, handle, download: response.status, bytes: given });
    }
  };
  await Promise.all(Array.from({ length: LANES }, lane));
  return answers;
}
