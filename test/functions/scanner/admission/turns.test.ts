import assert from 'node:assert/strict';
import { setTimeout as delay, setImmediate as tick } from 'node:timers/promises';
import fc from 'fast-check';
import { Turns } from '../../../../functions/scanner/admission/turns.ts';

const LONG_MS = 60_000;

/** Takers by name, in the order in which they were admitted or turned away. */
class Takers {
  readonly admitted: string[] = [];
  readonly refused: string[] = [];
  readonly turns: Turns;

  constructor(slots: number, maxWaiting: number) {
    this.turns = new Turns({ slots, maxWaiting, overflowMs: 0 });
  }

  async take(...owners: readonly string[]): Promise<void> {
    for (const owner of owners) {
      void this.turns.take(owner, LONG_MS).then((admitted) => {
        (admitted ? this.admitted : this.refused).push(owner);
      });
    }
    await tick();
  }

  async endTurn(...owners: readonly string[]): Promise<void> {
    for (const owner of owners) this.turns.endTurn(owner);
    await tick();
  }
}

describe('turns', () => {
  it('come to another owner after one scan, however many one has brought', async () => {
    const takers = new Takers(1, 20);
    await takers.take(...'aaaaaaaaaaaa', 'b');
    await takers.endTurn('a');
    assert.deepEqual(takers.admitted, ['a', 'b']);
    await takers.endTurn('b');
    await takers.take('b', 'c');
    await takers.endTurn('a');
    await takers.endTurn('b');
    assert.deepEqual(takers.admitted.join(''), 'ababc', 'who has come back is as new as who has just come');
  });

  it('of several slots come to the owner that holds the fewest', async () => {
    const takers = new Takers(3, 20);
    await takers.take(...'aaaaaa', 'b', 'b', 'b', 'c');
    await takers.endTurn('a', 'a', 'a');
    assert.deepEqual(takers.admitted.slice(3), ['b', 'c', 'a']);
    await takers.endTurn('c');
    assert.equal(takers.admitted.at(-1), 'b', 'served longer ago than a');
  });

  it('are all of one owner where no other waits', async () => {
    const takers = new Takers(4, 20);
    await takers.take(...'aaaa');
    assert.equal(takers.admitted.length, 4);
  });

  it('of long work leave one of several slots to short work for as long as that comes, and no longer', async () => {
    const turns = new Turns({ slots: 2, maxWaiting: 9, keepMs: 30 });
    const admitted: string[] = [];
    const take = async (name: string, isLong: boolean) => {
      void turns.take(name, LONG_MS, isLong).then(() => admitted.push(name));
      await tick();
    };
    await take('long 1', true);
    await take('long 2', true);
    assert.deepEqual(admitted, ['long 1', 'long 2'], 'nothing short has come yet');
    await take('short 1', false);
    turns.endTurn('long 1', true);
    await tick();
    assert.equal(admitted.at(-1), 'short 1');
    await take('long 3', true);
    turns.endTurn('short 1');
    await tick();
    assert.equal(admitted.length, 3, 'a slot is free, and kept');
    await take('short 2', false);
    assert.equal(admitted.at(-1), 'short 2');
    turns.endTurn('short 2');
    while (admitted.length < 5) await delay(5);
    assert.equal(admitted.at(-1), 'long 3', 'nothing short came any more');
  });

  it('of one slot go to long work too while short work comes', async () => {
    const turns = new Turns({ slots: 1, maxWaiting: 9 });
    assert.ok(await turns.take('a', LONG_MS));
    turns.endTurn('a');
    assert.ok(await turns.take('a', LONG_MS, true));
    assert.throws(() => turns.endTurn('a'), /holds no slot/);
    turns.endTurn('a', true);
  });

  it('of one owner alternate between its long and its short work', async () => {
    const turns = new Turns({ slots: 1, maxWaiting: 9 });
    const order: string[] = [];
    assert.ok(await turns.take('a', LONG_MS));
    for (const isLong of [false, false, true, true]) {
      void turns.take('a', LONG_MS, isLong).then(() => order.push(isLong ? 'long' : 'short'));
    }
    let isLong = false;
    for (const _ of [1, 2, 3, 4]) {
      turns.endTurn('a', isLong);
      await tick();
      isLong = order.at(-1) === 'long';
    }
    assert.deepEqual(order, ['long', 'short', 'long', 'short']);
  });

  it('are in order within an owner', async () => {
    const turns = new Turns({ slots: 1, maxWaiting: 9 });
    const order: number[] = [];
    assert.ok(await turns.take('a', LONG_MS));
    for (const index of [1, 2, 3]) void turns.take('a', LONG_MS).then(() => order.push(index));
    for (const _ of [1, 2, 3]) {
      turns.endTurn('a');
      await tick();
    }
    assert.deepEqual(order, [1, 2, 3]);
  });

  it('are waited for by as many as may, and by another owner in place of one of many', async () => {
    const takers = new Takers(1, 4);
    await takers.take(...'aaaaaa');
    assert.deepEqual(takers.refused, ['a'], 'its own give way to none of its own');
    await takers.take('b', 'b', 'c');
    assert.deepEqual(takers.refused, ['a', 'a', 'a', 'a'], 'a waits once, b twice, c once');
    await takers.take('b', 'b', 'd', 'e');
    assert.deepEqual(takers.refused.slice(4), ['b', 'b', 'e', 'b'], 'where each waits once, who comes goes');
    for (const owner of ['a', 'b', 'c', 'd']) await takers.endTurn(owner);
    assert.deepEqual(takers.admitted.join(''), 'abcda');
  });

  it('are waited for by one too many for a moment, which is enough where those before it are quick', async () => {
    const turns = new Turns({ slots: 1, maxWaiting: 1, overflowMs: 50 });
    const outcomes: string[] = [];
    const take = (name: string) =>
      turns.take('a', LONG_MS).then((admitted) => outcomes.push(`${name} ${admitted}`));
    void take('first');
    void take('second');
    void take('third');
    await tick();
    turns.endTurn('a');
    await tick();
    turns.endTurn('a');
    await tick();
    assert.deepEqual(outcomes, ['first true', 'second true', 'third true']);
    void take('fourth');
    await take('fifth');
    assert.deepEqual(outcomes.slice(3), ['fifth false'], 'and the fourth still waits');
  });

  it('are not waited for where nobody may', async () => {
    const takers = new Takers(1, 0);
    await takers.take('a', 'b');
    assert.deepEqual([takers.admitted, takers.refused], [['a'], ['b']]);
  });

  it('are not waited for longer than one may', async () => {
    const turns = new Turns({ slots: 1, maxWaiting: 5 });
    assert.ok(await turns.take('a', LONG_MS));
    assert.equal(await turns.take('b', 1), false);
    turns.endTurn('a');
    assert.ok(await turns.take('c', LONG_MS));
  });

  it('are never more than there are, never idle while somebody waits, and within one scan for a new owner', async () => {
    const command = fc.record({ owner: fc.constantFrom('a', 'b', 'c', 'd'), take: fc.boolean() });
    const property = fc.asyncProperty(
      fc.integer({ min: 1, max: 3 }),
      fc.integer({ min: 0, max: 5 }),
      fc.array(command, { maxLength: 60 }),
      async (slots, maxWaiting, commands) => {
        const turns = new Turns({ slots, maxWaiting, overflowMs: 0 });
        const held = new Map<string, number>();
        const waiting = new Map<string, number>();
        const sum = (counts: Map<string, number>) => [...counts.values()].reduce((a, b) => a + b, 0);
        const add = (counts: Map<string, number>, owner: string, by: number) =>
          counts.set(owner, (counts.get(owner) ?? 0) + by);
        for (const { owner, take } of commands) {
          if (take) {
            add(waiting, owner, 1);
            void turns.take(owner, LONG_MS).then((admitted) => {
              add(waiting, owner, -1);
              if (admitted) add(held, owner, 1);
            });
          } else if ((held.get(owner) ?? 0) > 0) {
            const before = new Map(held);
            add(held, owner, -1);
            const idle = [...waiting].find(([name, count]) => count > 0 && (held.get(name) ?? 0) === 0);
            turns.endTurn(owner);
            await tick();
            const got = [...held].find(([name, count]) => count > (before.get(name) ?? 0))?.[0] ?? owner;
            // Nobody gets a second slot while another that waits has none.
            if (idle && got !== owner) assert.equal(before.get(got) ?? 0, 0);
            if (idle && got === owner) assert.equal(before.get(owner), 1);
          }
          await tick();
          assert.ok(sum(held) <= slots && sum(waiting) <= maxWaiting);
          if (sum(waiting) > 0) assert.equal(sum(held), slots);
        }
        // All waiting turns are served in the end.
        for (let left = 200; sum(held) > 0 && left > 0; left--) {
          const [owner = ''] = [...held].find(([, count]) => count > 0) ?? [];
          add(held, owner, -1);
          turns.endTurn(owner);
          await tick();
        }
        assert.deepEqual([sum(held), sum(waiting)], [0, 0]);
      },
    );
    await fc.assert(property, { numRuns: 300 });
  });
});
