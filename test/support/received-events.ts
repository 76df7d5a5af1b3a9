export interface ReceivedEvent {
  readonly attributes: Record<string, string>;
  readonly data: { readonly fileId: string; readonly verdict: string; readonly [member: string]: unknown };
  readonly orderingKey?: string;
}

interface PulledMessage {
  readonly ackId: string;
  readonly message: {
    readonly data: string;
    readonly attributes: Record<string, string>;
    readonly orderingKey?: string;
  };
}

/** Pulls and acknowledges what a subscription has now. @param host of Pub/Sub's emulator */
export async function receivedEvents(host: string, subscription: string): Promise<ReceivedEvent[]> {
  const base = `http://${host}/v1/projects/fileshare-local/subscriptions/${subscription}`;
  // Google's emulator finds no method without it.
  const headers = { 'content-type': 'application/json' };
  const response = await fetch(`${base}:pull`, {
    method: 'POST',
    headers,
    body: JSON.stringify({ maxMessages: 1000, returnImmediately: true }),
  });
  const { receivedMessages = [] } = (await response.json()) as { receivedMessages?: PulledMessage[] };
  if (receivedMessages.length > 0) {
    const ackIds = receivedMessages.map(({ ackId }) => ackId);
    await fetch(`${base}:acknowledge`, { method: 'POST', headers, body: JSON.stringify({ ackIds }) });
  }
  return receivedMessages.map(({ message: { data, attributes, orderingKey } }) => ({
    attributes,
    data: JSON.parse(Buffer.from(data, 'base64').toString()) as ReceivedEvent['data'],
    ...(orderingKey && { orderingKey }),
  }));
}
