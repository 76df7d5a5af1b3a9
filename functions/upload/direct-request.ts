import type { IncomingMessage, ServerResponse } from 'node:http';
import * as v from 'valibot';
import { parseSha256 } from '../../shared/files/record.ts';
import { jsonOf } from '../../shared/http/body.ts';
import { invalidRequest } from '../../shared/http/problems.ts';

const MAX_BODY_BYTES = 16 * 1024;

const SIZE = 'size should be a whole number of bytes';
const MEMBERS = {
  size: v.pipe(v.number(SIZE), v.integer(SIZE), v.minValue(0, SIZE)),
  contentType: v.optional(v.string('contentType should be a string')),
  fileName: v.optional(v.string('fileName should be a string')),
  callbackUrl: v.optional(v.string('callbackUrl should be a string')),
  correlationId: v.optional(v.string('correlationId should be a string')),
  expiresAt: v.optional(v.string('expiresAt should be a string')),
  sha256: v.optional(
    v.pipe(
      v.string('sha256 should be a string'),
      v.transform((text) => parseSha256(text.toLowerCase())),
      v.check((digest) => digest !== undefined, 'sha256 should be 64 hex digits'),
    ),
  ),
  origin: v.optional(
    v.pipe(
      v.string('origin should be a string'),
      v.check(isOrigin, 'origin should be one of a web page, such as https://example.org'),
    ),
  ),
};
const Order = v.strictObject(MEMBERS, ({ input, expected }) => {
  if (expected === 'never') return `${JSON.stringify(input)} is not a known member`;
  return expected === '"size"' ? SIZE : 'The body should be a JSON object';
});

/** The JSON of `POST /uploads/direct`. @throws {Problem} */
export async function directRequest(
  request: IncomingMessage,
  response: ServerResponse,
): Promise<v.InferOutput<typeof Order>> {
  const order = v.safeParse(Order, await jsonOf(request, response, MAX_BODY_BYTES));
  if (order.success) return order.output;
  const detail = order.issues.map(({ message }) => message).join('; ');
  throw invalidRequest(`${detail}.`);
}

export function isOrigin(text: string): boolean {
  return URL.canParse(text) && /^https?:$/.test(new URL(text).protocol) && new URL(text).origin === text;
}
