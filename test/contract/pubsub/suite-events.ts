import assert from 'node:assert/strict';
import type { Message } from '@google-cloud/pubsub';
import { cloudEvent, type EventMessage, type EventName } from '../../../shared/events/cloud-event.ts';
import type { Publisher, PublisherOptions } from '../../../shared/events/publisher.ts';
import { publisherOf } from '../../infra/emulators/pubsub/client.ts';
import { startEndpoint } from '../../infra/emulators/pubsub/endpoint.ts';
import type { Inbox } from '../../infra/emulators/pubsub/inbox.ts';
import { cloudEventOf, outsideCloudEvents, published, schemas } from '../../support/cloud-events.ts';
import type { Promises, Subject } from './describe-pubsub.ts';
import { topicAndSubscription } from './suite-client.ts';

/** The example of each schema as the event that it would be, so that there is one of each type. */
const examples: readonly EventMessage[] = [...schemas].flatMap(([id, { examples }]) =>
  examples.map((example, index) => {
    const data = example as Readonly<Record<string, string>>;
    const { fileId, sha256, verdict = '', owner } = data;
    const event = cloudEvent({
      name: id.replace(/^\/schemas\/(.*)\.json$/, '$1') as EventName,
      id: `${id}/${index}`,
      subject: fileId ?? sha256 ?? '',
      time: new Date('2026-11-24T05:00:00Z'),
      data,
      filterable: {
        verdict,
        ...(owner && { owner }),
        ...(data['correlationId'] && { correlationId: data['correlationId'] }),
      },
    });
    return published(event);
  }),
);

const idOf = ({ attributes }: Pick<EventMessage, 'attributes'>) => attributes['ce-id'];

const numbered = (id: number, key: string): EventMessage =>
  cloudEvent({
    name: 'scan.failed.v1',
    id: String(id),
    subject: key,
    time: new Date(),
    data: {},
    filterable: {},
  });

/** Waits for all of these, in any order. */
async function arrived(
  inbox: Inbox<Message>,
  events: readonly EventMessage[],
  look: (message: Message) => void = () => undefined,
): Promise<void> {
  const left = new Set(events.map(idOf));
  while (left.size > 0) {
    const message = await inbox.take();
    message.ack();
    left.delete(message.attributes['ce-id']);
    look(message);
  }
}

async function publishing(
  { host }: Subject,
  topic: string,
  options: PublisherOptions,
  work: (publisher: Publisher) => Promise<void>,
): Promise<void> {
  const publisher = await publisherOf(host, topic, options);
  try {
    await work(publisher);
  } finally {
    await publisher.close();
  }
}

export function carriesEvents(promises: Promises): void {
  promises('carries many events that are published at once', async (subject) => {
    const { topic, subscription } = await topicAndSubscription(subject);
    const inbox = subject.listen(subscription);
    const [event] = examples;
    assert.ok(event);
    const many = Array.from({ length: 50 }, (_, at) => ({
      ...event,
      attributes: { ...event.attributes, 'ce-id': String(at) },
    }));
    await publishing(subject, topic.name, {}, async ({ publish }) => {
      await Promise.all(many.map((one) => publish(one)));
      await arrived(inbox, many);
    });
  });

  promises('carries an event of each type as the CloudEvent that it is', async (subject) => {
    const { topic, subscription } = await topicAndSubscription(subject);
    const inbox = subject.listen(subscription);
    await publishing(subject, topic.name, {}, async ({ publish }) => {
      await Promise.all(examples.map((event) => publish(event)));
      await arrived(inbox, examples, (message) => {
        assert.deepEqual(outsideCloudEvents(received(message)), []);
        assert.ok(!message.orderingKey, 'ordering is off by default');
      });
    });
  });

  promises('lets through the events that a documented filter asks for', async (subject) => {
    const [topic] = await subject.client.createTopic(subject.unique('topic'));
    const owner = 'org:889640782';
    const ofAnother = cloudEvent({
      name: 'scan.failed.v1',
      id: 'of another',
      subject: 'x',
      time: new Date(),
      data: {},
      filterable: { verdict: 'failed', owner: 'org:123456789' },
    });
    const events = [...examples, ofAnother];
    for (const [filter, wanted] of [
      ['attributes.verdict = "infected"', ({ verdict }) => verdict === 'infected'],
      [`attributes.owner = "${owner}"`, (attributes) => attributes['owner'] === owner],
      [
        `attributes.owner = "${owner}" OR attributes.eventType = "verdict.changed.v1"`,
        (attributes) => attributes['owner'] === owner || attributes['eventType'] === 'verdict.changed.v1',
      ],
      [
        'hasPrefix(attributes.eventType, "scan.") AND attributes.verdict != "clean"',
        ({ eventType = '', verdict }) => eventType.startsWith('scan.') && verdict !== 'clean',
      ],
      [
        'attributes."ce-type" = "no.nav.hops.fileshare.file.deleted.v1"',
        ({ verdict }) => verdict === 'deleted',
      ],
    ] satisfies readonly [string, (attributes: Readonly<Record<string, string>>) => boolean][]) {
      const [subscription] = await topic.createSubscription(subject.unique('filtered'), { filter });
      const inbox = subject.listen(subscription);
      const expected = events.filter(({ attributes }) => wanted(attributes));
      assert.ok(expected.length > 0 && expected.length < events.length, filter);
      await publishing(subject, topic.name, {}, async ({ publish }) => {
        for (const event of events) await publish(event);
      });
      const ids: (string | undefined)[] = [];
      for (const message of await inbox.takeMany(expected.length)) {
        message.ack();
        ids.push(idOf(message));
      }
      assert.deepEqual(ids.sort(), expected.map(idOf).sort(), filter);
      await subscription.close();
    }
  });

  promises('brings the events of a file in their order where ordering is on', async (subject) => {
    const { topic, subscription } = await topicAndSubscription(subject, { enableMessageOrdering: true });
    const inbox = subject.listen(subscription);
    await publishing(subject, topic.name, { ordered: true }, async ({ publish }) => {
      const keys = ['a', 'b'];
      const events = keys.flatMap((key) => [1, 2, 3, 4].map((id) => numbered(id, key)));
      await Promise.all(events.map((event) => publish(event)));
      const order: Record<string, string[]> = { a: [], b: [] };
      for (let taken = 0; taken < events.length; taken++) {
        const message = await inbox.take();
        order[message.orderingKey ?? '']?.push(idOf(message) ?? '');
        message.ack();
      }
      assert.deepEqual(order, { a: ['1', '2', '3', '4'], b: ['1', '2', '3', '4'] });
    });
  });

  promises('lets a file have events again after the failure of one, ordered or not', async (subject) => {
    for (const ordered of [false, true]) {
      const name = subject.unique('late');
      await publishing(subject, name, { ordered }, async ({ publish }) => {
        const both = [publish(numbered(1, 'k')), publish(numbered(2, 'k'))];
        await Promise.all(both.map((failing) => assert.rejects(failing, { code: 5 })));
        const [topic] = await subject.client.createTopic(name);
        const [subscription] = await topic.createSubscription(subject.unique('subscription'));
        const inbox = subject.listen(subscription);
        await publish(numbered(1, 'k'));
        const message = await inbox.take();
        assert.equal(idOf(message), '1');
        message.ack();
      });
    }
  });

  promises('pushes an event without a wrapper as a CloudEvent over HTTP', async (subject) => {
    const endpoint = await startEndpoint();
    const pushConfig = { pushEndpoint: endpoint.url, noWrapper: { writeMetadata: true } };
    const { topic, subscription } = await topicAndSubscription(subject, { pushConfig });
    try {
      await publishing(subject, topic.name, {}, async ({ publish }) => {
        const [event] = examples;
        assert.ok(event);
        const published = publish(event);
        const request = await endpoint.requests.take();
        request.answer(204);
        await published;
        const headers = request.headers as Record<string, string>;
        const { id, type } = cloudEventOf({ attributes: headers, data: JSON.parse(request.body) });
        assert.deepEqual([id, type], [event.attributes['ce-id'], event.attributes['ce-type']]);
      });
    } finally {
      await subscription.delete();
      await endpoint.stop();
    }
  });
}

const received = ({ attributes, data }: Message) => ({ attributes, data: JSON.parse(data.toString()) });
