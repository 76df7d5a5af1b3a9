import type { Handle } from '../../../../client/src/index.ts';
import { element } from './element.ts';
import { bytes, clock } from './words.ts';

/** What the service tells of a file, as terms and their values. */
export function facts(handle: Handle): HTMLElement {
  const { signature, reason, detail, sha256, engine, size, contentType, id, owner, createdAt, scannedAt } =
    handle;
  const database = engine?.database === undefined ? '' : `, signatures ${engine.database}`;
  const told: Readonly<Record<string, string | undefined>> = {
    Signature: signature,
    Reason: [reason, detail].filter(Boolean).join(': ') || undefined,
    'SHA-256': sha256,
    Owner: owner,
    Type: contentType,
    Size: size === undefined ? undefined : `${bytes(size)} (${size.toLocaleString('en')} bytes)`,
    Uploaded: clock(createdAt),
    Scanned: scannedAt && clock(scannedAt),
    Engine: engine && `ClamAV ${engine.version}${database}`,
    Id: id,
  };
  const list = element('dl', { class: 'facts' });
  for (const [term, value] of Object.entries(told)) {
    if (value) list.append(element('div', {}, element('dt', {}, term), element('dd', {}, value)));
  }
  return list;
}
