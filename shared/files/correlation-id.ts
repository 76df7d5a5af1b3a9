declare const correlationId: unique symbol;
/** A caller's own identifier of what it uploads, by which it recognises the file in answers and events. */
export type CorrelationId = string & { readonly [correlationId]: true };

/** Printable ASCII, at most 128 characters; no space at an end, which a header could not keep. */
const CORRELATION_ID = /^(?=.{1,128}$)[!-~](?:[ -~]*[!-~])?$/;

export function parseCorrelationId(text: string): CorrelationId | undefined {
  return CORRELATION_ID.test(text) ? (text as CorrelationId) : undefined;
}
