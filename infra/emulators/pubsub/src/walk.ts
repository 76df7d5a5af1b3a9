import { type Field, isMessage, type MessageType } from './protos.ts';

export type Plain = Readonly<Record<string, unknown>>;

/** Converts one value that is no message, or a well-known one (Duration, Timestamp, FieldMask). */
export type Leaf = (value: unknown, field: Field) => unknown;

const wellKnown = new Set(['Duration', 'Timestamp', 'FieldMask'].map((name) => `.google.protobuf.${name}`));

/** Applies `leaf` throughout a message; field names, lists, maps and nesting stay as they are. */
export function walk(type: MessageType, message: Plain, leaf: Leaf): Plain {
  return Object.fromEntries(
    Object.entries(message).map(([name, value]) => {
      const field = type.fields[name];
      if (!field) throw new Error(`${type.fullName} has no field ${name}`);
      return [name, walkField(field, value, leaf)];
    }),
  );
}

function walkField(field: Field, value: unknown, leaf: Leaf): unknown {
  if (field.repeated && Array.isArray(value)) return value.map((item) => walkValue(field, item, leaf));
  if (field.map && isPlain(value)) {
    return Object.fromEntries(
      Object.entries(value).map(([key, item]) => [key, walkValue(field, item, leaf)]),
    );
  }
  return walkValue(field, value, leaf);
}

function walkValue(field: Field, value: unknown, leaf: Leaf): unknown {
  const type = field.resolvedType;
  return isMessage(type) && !wellKnown.has(type.fullName) && isPlain(value)
    ? walk(type, value, leaf)
    : leaf(value, field);
}

export function isPlain(value: unknown): value is Plain {
  return (
    typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Uint8Array)
  );
}
