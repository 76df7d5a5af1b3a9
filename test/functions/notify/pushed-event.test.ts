import assert from 'node:assert/strict';
import { type CloudEvent, HTTP } from 'cloudevents';
import { pushedEvent } from '../../../functions/notify/pushed-event.ts';
import { newFileId } from '../../../shared/files/file-id.ts';
import type { Principal } from '../../../shared/identity/principal.ts';

const ID = newFileId('org:889640782' as Principal);
const ATTRIBUTES = {
  'ce-id': `${ID}/clean`,
  'ce-specversion': '1.0',
  'ce-type': 'no.example.scan.completed.v1',
  'ce-source': 'https://files.example.no/files',
  'ce-subject': ID,
  'content-type': 'application/json',
  owner: 'org:889640782',
  callback: 'true',
};
const DATA = { fileId: ID, fileName: 'røntgen 日本' };

const base64 = (text: string) => Buffer.from(text).toString('base64');
const pushed = (attributes: object = {}, data = base64(JSON.stringify(DATA)), more: object = {}) => ({
  message: { attributes: { ...ATTRIBUTES, ...attributes }, data, messageId: '1' },
  subscription: 'projects/p/subscriptions/callbacks',
  ...more,
});

describe('the event of a push', () => {
  it('is one body with its context and its data, and nothing that is for filters alone', () => {
    const event = pushedEvent(pushed()) ?? assert.fail();
    assert.deepEqual([event.id, event.fileId, event.attempt], [ATTRIBUTES['ce-id'], ID, undefined]);
    assert.deepEqual(JSON.parse(event.body), {
      id: ATTRIBUTES['ce-id'],
      specversion: '1.0',
      type: ATTRIBUTES['ce-type'],
      source: ATTRIBUTES['ce-source'],
      subject: ID,
      datacontenttype: 'application/json',
      data: DATA,
    });
    const headers = { 'content-type': 'application/cloudevents+json' };
    const read = HTTP.toEvent<typeof DATA>({ headers, body: event.body }) as CloudEvent<typeof DATA>;
    assert.ok(read.validate());
    assert.deepEqual(read.data, DATA);
  });

  it('has the number of its attempt, where the subscription has dead letters', () => {
    assert.equal(pushedEvent(pushed({}, undefined, { deliveryAttempt: 3 }))?.attempt, 3);
  });

  it('is the same body however often it is delivered', () => {
    const [first, again] = [1, 2].map((attempt) =>
      pushedEvent(pushed({}, undefined, { deliveryAttempt: attempt })),
    );
    assert.ok(first?.body);
    assert.equal(again?.body, first.body);
  });

  for (const [what, body] of [
    ['nothing', undefined],
    ['null', null],
    ['text', 'x'],
    ['a push without a message', { subscription: 'x' }],
    ['a message without data', { message: { attributes: ATTRIBUTES } }],
    ['a message without attributes', { message: { data: base64('{}') } }],
    ['an attribute that is no text', pushed({ 'ce-id': 17 })],
    ['an attempt that is no number', pushed({}, undefined, { deliveryAttempt: '3' })],
    ['an event for which nobody asked', pushed({ callback: 'false' })],
    ['an event without an id', pushed({ 'ce-id': '' })],
    ['an event of no file', pushed({ 'ce-subject': '../files/x' })],
    ['data that is no JSON', pushed({}, base64('{"fileId":'))],
    ['data that is empty', pushed({}, '')],
  ] as const) {
    it(`is none where it is ${what}`, () => assert.equal(pushedEvent(body), undefined));
  }
});
