import * as v from 'valibot';
import type { MessageType } from '../protos.ts';
import { type Leaf, type Plain, walk } from '../walk.ts';

/*
 * The core's messages, between the two wires: camelCase fields, bytes as Uint8Array, enums by name,
 * durations and timestamps in milliseconds, field masks as lists of paths.
 */

const instant = v.object({ seconds: v.optional(v.number(), 0), nanos: v.optional(v.number(), 0) });
const mask = v.object({ paths: v.optional(v.array(v.string()), []) });

/** Reads a protobuf message. Throws where the bytes are none of that type. */
export function decode(type: MessageType, bytes: Uint8Array): Plain {
  const message = type.toObject(type.decode(bytes), { longs: Number, enums: String, bytes: Buffer });
  return walk(type, message, fromWire);
}

export function encode(type: MessageType, message: Plain): Buffer {
  return Buffer.from(type.encode(type.fromObject({ ...walk(type, message, toWire) })).finish());
}

const fromWire: Leaf = (value, field) => {
  switch (field.resolvedType?.fullName) {
    case '.google.protobuf.Duration':
    case '.google.protobuf.Timestamp': {
      const { seconds, nanos } = v.parse(instant, value);
      return seconds * 1000 + nanos / 1e6;
    }
    case '.google.protobuf.FieldMask':
      return v.parse(mask, value).paths;
    default:
      return value;
  }
};

const toWire: Leaf = (value, field) => {
  switch (field.resolvedType?.fullName) {
    case '.google.protobuf.Duration':
    case '.google.protobuf.Timestamp': {
      const milliseconds = v.parse(v.number(), value);
      const seconds = Math.floor(milliseconds / 1000);
      return { seconds, nanos: Math.round((milliseconds - seconds * 1000) * 1e6) };
    }
    case '.google.protobuf.FieldMask':
      return { paths: value };
    default:
      return value;
  }
};
