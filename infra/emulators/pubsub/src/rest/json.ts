import { camelCase } from '../core/field-mask.ts';
import { invalid } from '../core/status.ts';
import { type Field, isEnum, type MessageType } from '../protos.ts';
import { isPlain, type Leaf, type Plain, walk } from '../walk.ts';

/**
 * Reads the JSON form of a message (protobuf.dev/programming-guides/json): snake_case names are accepted, null
 * means unset, bytes are base64, durations "10s", timestamps RFC 3339, field masks comma-separated.
 * Throws INVALID_ARGUMENT, also for an unknown field, as Google's APIs do.
 */
export function fromJson(type: MessageType, json: unknown): Plain {
  if (!isPlain(json)) throw invalid('Invalid JSON payload received. An object was expected.');
  return walk(type, known(type, json), fromJsonLeaf);
}

/** Writes it. Empty values are left out, as Google's APIs do. */
export function toJson(type: MessageType, message: Plain): Plain {
  return walk(type, present(type, message), toJsonLeaf);
}

function known(type: MessageType, json: Plain): Plain {
  const entries = Object.entries(json).filter(([, value]) => value !== null);
  return Object.fromEntries(
    entries.map(([name, value]) => {
      const field = type.fields[name] ?? type.fields[camelCase(name)];
      if (!field) throw invalid(`Invalid JSON payload received. Unknown name "${name}": Cannot find field.`);
      return [field.name, knownValue(field, value)];
    }),
  );
}

function knownValue(field: Field, value: unknown): unknown {
  if (field.repeated !== Array.isArray(value)) throw mismatch(field);
  const type = field.resolvedType;
  if (!type || isEnum(type) || field.map) return value;
  if (type.fullName.startsWith('.google.protobuf.')) return value;
  return Array.isArray(value) ? value.map((item) => nested(type, field, item)) : nested(type, field, value);
}

function nested(type: MessageType, field: Field, value: unknown): Plain {
  if (!isPlain(value)) throw mismatch(field);
  return known(type, value);
}

const fromJsonLeaf: Leaf = (value, field) => {
  switch (field.resolvedType?.fullName ?? field.type) {
    case '.google.protobuf.Duration':
      return duration(value, field);
    case '.google.protobuf.Timestamp':
      return timestamp(value, field);
    case '.google.protobuf.FieldMask':
      return text(value, field).split(',').filter(Boolean);
    case 'bytes':
      return base64(value, field);
    case 'int32':
    case 'int64':
      return integer(value, field);
    case 'bool':
      if (typeof value !== 'boolean') throw mismatch(field);
      return value;
    case 'string':
      return text(value, field);
    default:
      return value;
  }
};

const toJsonLeaf: Leaf = (value, field) => {
  switch (field.resolvedType?.fullName ?? field.type) {
    case '.google.protobuf.Duration':
      return `${Number(value) / 1000}s`;
    case '.google.protobuf.Timestamp':
      return new Date(Number(value)).toISOString();
    case '.google.protobuf.FieldMask':
      return Array.isArray(value) ? value.join(',') : '';
    case 'bytes':
      return value instanceof Uint8Array ? Buffer.from(value).toString('base64') : '';
    default:
      return value;
  }
};

/** Drops what the JSON form leaves out: "", 0, false, empty bytes, lists and maps. Empty messages stay. */
function present(type: MessageType, message: Plain): Plain {
  const entries = Object.entries(message).filter(([name, value]) => !isDefault(value, type.fields[name]));
  return Object.fromEntries(entries.map(([name, value]) => [name, presentValue(type.fields[name], value)]));
}

function presentValue(field: Field | undefined, value: unknown): unknown {
  const type = field?.resolvedType;
  if (!type || isEnum(type)) return value;
  if (Array.isArray(value)) return value.map((item) => presentValue(field, item));
  return isPlain(value) ? present(type, value) : value;
}

function isDefault(value: unknown, field: Field | undefined): boolean {
  if (Array.isArray(value) || value instanceof Uint8Array) return value.length === 0;
  if (field?.map && isPlain(value)) return Object.keys(value).length === 0;
  return field?.resolvedType && !isEnum(field.resolvedType) ? value === undefined : !value;
}

const mismatch = (field: Field) =>
  invalid(
    `Invalid value at '${field.name}': a ${field.repeated ? 'list of ' : ''}${field.type} was expected.`,
  );

function text(value: unknown, field: Field): string {
  if (typeof value !== 'string') throw mismatch(field);
  return value;
}

function integer(value: unknown, field: Field): number {
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
  if (typeof number !== 'number' || !Number.isSafeInteger(number)) throw mismatch(field);
  return number;
}

function duration(value: unknown, field: Field): number {
  const match = /^(-?\d+(?:\.\d{1,9})?)s$/.exec(text(value, field));
  if (!match) throw mismatch(field);
  return Math.round(Number(match[1]) * 1e9) / 1e6;
}

function timestamp(value: unknown, field: Field): number {
  const time = Date.parse(text(value, field));
  if (Number.isNaN(time)) throw mismatch(field);
  return time;
}

function base64(value: unknown, field: Field): Buffer {
  const encoded = text(value, field);
  if (!/^[A-Za-z0-9+/_-]*={0,2}$/.test(encoded)) throw mismatch(field);
  return Buffer.from(encoded, 'base64');
}
