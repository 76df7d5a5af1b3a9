import assert from 'node:assert/strict';
import type { EventMessage } from '../../shared/events/cloud-event.ts';
import type { Facts, FileFacts } from './facts.ts';

/** The events that subscribers got, each event once however often it came. */
class Told {
  readonly #events: readonly (readonly [type: string, data: Record<string, unknown>])[];

  constructor(published: readonly EventMessage[]) {
    const byId = new Map(published.map((event) => [event.attributes['ce-id'], event]));
    this.#events = [...byId.values()].map(({ attributes, data }) => [
      attributes['eventType'] ?? '',
      JSON.parse(data.toString()) as Record<string, unknown>,
    ]);
  }

  of(type: string, key: string, value: string): readonly Record<string, unknown>[] {
    return this.#events
      .filter(([name, data]) => name === type && data[key] === value)
      .map(([, data]) => data);
  }
}

const isInfected = ({ verdict }: Record<string, unknown>) => verdict === 'infected';

/** Once all is over: one event for each verdict and each deletion, and one for each content that was clean and is not. */
export function checkEvents(facts: Facts, published: readonly EventMessage[]): void {
  const told = new Told(published);
  for (const file of facts.files) checkFile(file, facts.verdictsOf(file), told);
  for (const digest of new Set(facts.files.map(({ sample }) => sample.sha256))) {
    const changes = told.of('verdict.changed.v1', 'sha256', digest).filter(isInfected).length;
    const files = facts.files.filter(({ sample }) => sample.sha256 === digest);
    if (!facts.oncePromoted.has(digest)) assert.equal(changes, 0, 'nobody ever had it');
    // A finding that comes after a release is another.
    assert.ok(changes <= 1 + facts.releases, 'one content, one finding');
    // An owner who deletes the file that showed it may take the word about it along, and nobody looks for others' (ADR 27).
    const allThere = files.every(({ deletion, isCollected }) => deletion.known === 'off' && !isCollected);
    const isTold = files.some(({ verdict }) => verdict === 'clean') && facts.standing.has(digest);
    if (isTold && allThere && facts.policy.deduplicate === 'global')
      assert.equal(changes, 1, 'nobody was told');
  }
}

/** One event for each grant, while there is a file to tell of, and none for what was not asked for. */
function checkShared({ id, viewers }: FileFacts, isGone: boolean, told: Told): void {
  const events = told.of('file.shared.v1', 'fileId', id);
  for (const { sharedWith } of events)
    assert.ok(
      [...viewers.keys()].some((viewer) => viewer === sharedWith),
      `${sharedWith} was told`,
    );
  for (const [principal, viewer] of viewers) {
    const { length } = events.filter(({ sharedWith }) => sharedWith === principal);
    if (viewer.known === 'on' && !isGone) assert.ok(length > 0, `nobody told ${principal} of ${id}`);
    assert.ok(length <= viewer.asked.length, `${principal} was told of ${length} grants`);
  }
}

function checkFile(file: FileFacts, verdicts: readonly string[], told: Told): void {
  const { id, verdict, deletion, isCollected } = file;
  const completed = told.of('scan.completed.v1', 'fileId', id);
  assert.ok(completed.length <= 1, `${completed.length} verdicts of ${id}`);
  const isGone = deletion.known !== 'off' || isCollected;
  // A file that is deleted while its verdict is being written may still get its event (docs/adr/0029).
  const possible = verdict === undefined && isGone ? verdicts : [verdict];
  if (completed.length > 0) assert.ok(possible.includes(String(completed[0]?.['verdict'])));
  else assert.ok(isGone, `nobody was told that ${id} is ${verdict}`);
  checkShared(file, isGone, told);
  const deleted = told.of('file.deleted.v1', 'fileId', id).length;
  if (deletion.known === 'off' && !isCollected) assert.equal(deleted, 0, `${id} is not deleted`);
  if (deletion.known === 'on' || isCollected)
    assert.equal(deleted, 1, `nobody was told that ${id} is deleted`);
}
