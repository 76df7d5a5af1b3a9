import assert from 'node:assert/strict';
import { defined } from '../../../shared/runtime/defined.ts';

const maybe = (text?: string): string | undefined => text;

describe('defined', () => {
  it('leaves out members that are undefined, and only those', () => {
    const members = { empty: '', zero: 0, no: false, nothing: null, nan: Number.NaN, gone: undefined };
    assert.deepEqual(defined(members), { empty: '', zero: 0, no: false, nothing: null, nan: Number.NaN });
    assert.ok('gone' in members);
  });

  it('keeps the order of members', () => {
    assert.deepEqual(Object.keys(defined({ b: 1, gone: undefined, a: 2 })), ['b', 'a']);
  });

  it('overwrites nothing with a member that is undefined', () => {
    assert.deepEqual({ name: 'before', ...defined({ name: maybe() }) }, { name: 'before' });
    assert.deepEqual({ name: 'before', ...defined({ name: maybe('') }) }, { name: '' });
  });

  it('takes no inherited member, and sets no prototype', () => {
    const inherits: { own?: string } = Object.create(
      { inherited: 'x' },
      { own: { value: 'y', enumerable: true } },
    );
    const parsed: Record<string, unknown> = JSON.parse('{"__proto__": {"isAdmin": true}}');
    const copy = defined(parsed);
    assert.deepEqual(Object.keys(defined(inherits)), ['own']);
    assert.equal(Object.getPrototypeOf(copy), Object.prototype);
    assert.deepEqual(Object.keys(copy), ['__proto__']);
    assert.equal('isAdmin' in copy, false);
  });

  it('types members as absent that may be undefined, and the others as present', () => {
    const made = defined({ id: 'a', title: maybe('b'), note: null as string | null });
    const asDeclared: { id: string; title?: string; note: string | null } = made;
    assert.deepEqual(asDeclared, { id: 'a', title: 'b', note: null });
    // @ts-expect-error: a member that may be undefined may be absent
    const required: { title: string } = made;
    // @ts-expect-error: members keep their types
    const other: { id: number } = made;
    assert.equal(required, made);
    assert.equal(other, made);
  });
});
