import type { DecidedRecord } from '../files/record.ts';

const SCAN_COMPLETED = 'no.nav.hops.fileshare.scan.completed.v1';

/** A message of Pub/Sub: JSON, and attributes that subscriptions can filter on. */
export interface EventMessage {
  readonly data: Buffer;
  readonly attributes: Readonly<Record<string, string>>;
}

/**
 * The CloudEvent of a verdict in Pub/Sub's binary mode: context as `ce-*` attributes, data as JSON, beside them
 * `verdict` and `owner` to filter on. Its id is a function of file and generation, so that a repeat is known
 * as one. It carries no file name.
 * https://github.com/googleapis/google-cloudevents/blob/main/docs/spec/pubsub.md
 */
export function scanCompleted(record: DecidedRecord): EventMessage {
  const { scan, content } = record;
  const data = {
    fileId: record.id,
    verdict: record.state,
    ...(record.state === 'infected' && { signature: record.signature }),
    ...(record.state === 'unscannable' && {
      reason: record.reason,
      detail: record.detail,
      accepted: record.accepted,
    }),
    owner: record.owner,
    contentType: record.contentType,
    ...(content && { size: content.size, sha256: content.sha256 }),
    createdAt: record.createdAt.toISOString(),
    scannedAt: scan.scannedAt.toISOString(),
    ...(scan.engine && { engine: scan.engine }),
    ...(scan.coverage && { coverage: scan.coverage }),
  };
  return {
    data: Buffer.from(JSON.stringify(data)),
    attributes: {
      'ce-specversion': '1.0',
      'ce-id': `${record.id}/${scan.generation}`,
      'ce-source': '/files',
      'ce-type': SCAN_COMPLETED,
      'ce-subject': record.id,
      'ce-time': scan.scannedAt.toISOString(),
      'content-type': 'application/json',
      verdict: record.state,
      owner: record.owner,
    },
  };
}
