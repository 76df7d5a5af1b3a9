import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { Webhook, WebhookVerificationError } from 'standardwebhooks';
import * as v from 'valibot';
import { callbackKeys, secretOf, signedHeaders } from '../../../functions/notify/signature.ts';
import type { Principal } from '../../../shared/identity/principal.ts';

const OWNER = 'org:889640782' as Principal;
const BODY = '{"type":"x","data":{"fileId":"æøå"}}';
const key = () => randomBytes(32);

describe('the signature of a callback', () => {
  const [current, previous] = [key(), key()];

  function headersOf(keys = [current], id = 'file/17', at = new Date()): Record<string, string> {
    return signedHeaders(id, at, BODY, { owner: OWNER, keys });
  }
  const refuses = (webhook: Webhook, body: string, headers: Record<string, string>) =>
    assert.throws(() => webhook.verify(body, headers), WebhookVerificationError);

  it('verifies with the library of Standard Webhooks', () => {
    const event = new Webhook(secretOf(OWNER, current)).verify(BODY, headersOf());
    assert.deepEqual(event, JSON.parse(BODY));
  });

  it('verifies with the old and with the new secret while a key is replaced', () => {
    const headers = headersOf([current, previous]);
    for (const held of [current, previous]) new Webhook(secretOf(OWNER, held)).verify(BODY, headers);
    refuses(new Webhook(secretOf(OWNER, key())), BODY, headers);
  });

  it('does not verify with the secret of another owner', () => {
    refuses(new Webhook(secretOf('org:999999999' as Principal, current)), BODY, headersOf());
  });

  it('covers body, id and timestamp', () => {
    const webhook = new Webhook(secretOf(OWNER, current));
    const headers = headersOf();
    const later = String(Number(headers['webhook-timestamp']) + 1);
    refuses(webhook, BODY.replace('x', 'y'), headers);
    refuses(webhook, BODY, { ...headers, 'webhook-id': 'file/18' });
    refuses(webhook, BODY, { ...headers, 'webhook-timestamp': later });
  });

  it('is refused by the library once it is old', () => {
    const old = headersOf([current], 'file/17', new Date(Date.now() - 600_000));
    refuses(new Webhook(secretOf(OWNER, current)), BODY, old);
  });

  it('has no full stop in its id, which would end it early in what is signed', () => {
    const headers = headersOf([current], 'file/failed/2026-11-23T18:14:35.944Z');
    assert.equal(headers['webhook-id'], 'file/failed/2026-11-23T18:14:35_944Z');
    new Webhook(secretOf(OWNER, current)).verify(BODY, headers);
  });
});

describe('CALLBACK_KEYS', () => {
  const valid = (text: string) => v.safeParse(callbackKeys, text).success;
  const written = (bytes: number) => `whsec_${randomBytes(bytes).toString('base64')}`;

  it('is one key or two, of 32 to 64 bytes', () => {
    for (const text of [written(32), written(64), `${written(32)} ${written(48)}\n`]) {
      assert.equal(valid(text), true, text);
    }
  });

  it('is nothing else', () => {
    const three = [written(32), written(32), written(32)].join(' ');
    for (const text of ['', 'whsec_', written(24), written(65), written(32).slice(6), 'whsec_!', three]) {
      assert.equal(valid(text), false, text);
    }
  });
});
