import { invalid } from './api-error.ts';

/** A JSON object of unknown fields. */
export type JsonRecord = Record<string, unknown>;

export const isRecord = (value: unknown): value is JsonRecord =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Far above any resource: 8 KiB of metadata, or 32 compose sources with names of 1 KiB. */
export const MAX_JSON_BYTES = 1024 * 1024;

/**
 * Parses a resource. No body and `null` (which rclone sends) both mean "no fields".
 * @throws ApiError 400 when it is not a JSON object
 */
export function parseRecord(text: string): JsonRecord {
  if (text.trim() === '') return {};
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw invalid('Parse Error');
  }
  if (value === null) return {};
  if (!isRecord(value)) throw invalid('Invalid JSON payload: expected an object');
  return value;
}

/** Reads a request body as a resource. @throws ApiError 400 when it is too large or no JSON object */
export async function readRecord(body: AsyncIterable<Buffer>): Promise<JsonRecord> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of body) {
    length += chunk.length;
    if (length > MAX_JSON_BYTES) throw invalid('Request payload size exceeds the limit');
    chunks.push(chunk);
  }
  return parseRecord(Buffer.concat(chunks).toString());
}
