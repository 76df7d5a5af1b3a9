import type { Handle } from '../../../../client/src/index.ts';
import { element } from './element.ts';
import { bytes, exactMoment, moment } from './words.ts';

/** Facts that are compared, not read. */
const CODES = new Set(['SHA-256', 'Id']);

/** `300.0 MiB (314,572,836 bytes)` */
function exactly(size: number): string {
  return size < 1024 ? bytes(size) : `${bytes(size)} (${size.toLocaleString('en')} bytes)`;
}

/** The service's facts about a file, as terms and their values. */
export function facts(handle: Handle): HTMLElement {
  const {
    signature,
    reason,
    detail,
    sha256,
    engine,
    size,
    contentType,
    id,
    owner,
    createdAt,
    scannedAt,
    recalledAt,
    expiresAt,
    until,
  } = handle;
  const database = engine?.database === undefined ? '' : `, signatures ${engine.database}`;
  const told = {
    Signature: signature,
    Reason: [reason, detail].filter(Boolean).join(': ') || undefined,
    'SHA-256': sha256,
    Owner: owner,
    Type: contentType,
    Size: size === undefined ? undefined : exactly(size),
    Uploaded: exactMoment(createdAt),
    'Deleted at': expiresAt && moment(expiresAt),
    'Yours until': until && moment(until),
    Scanned: scannedAt && exactMoment(scannedAt),
    Recalled: recalledAt && moment(recalledAt),
    Engine: engine && `ClamAV ${engine.version}${database}`,
    Id: id,
  };
  return terms(told);
}

/** Terms and their values; those without a value are left out. */
export function terms(told: Readonly<Record<string, string | undefined>>): HTMLElement {
  const list = element('dl', { class: 'facts' });
  for (const [term, value] of Object.entries(told)) {
    if (value)
      list.append(
        element(
          'div',
          {},
          element('dt', {}, term),
          element('dd', {}, CODES.has(term) ? element('code', {}, value) : value),
        ),
      );
  }
  return list;
}
