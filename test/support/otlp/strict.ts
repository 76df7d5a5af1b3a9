import protobuf from 'protobufjs';

// protobufjs exports these tables without saying so in its types.
const { basic, packed } = protobuf.types as unknown as Record<'basic' | 'packed', Record<string, number>>;
const BYTES = 2;

/** Deviations of bytes from a type: fields that it does not have, and wire types that a field does not have. */
export function outsideType(type: protobuf.Type, bytes: Uint8Array): string[] {
  const reader = protobuf.Reader.create(bytes);
  const found: string[] = [];
  while (reader.pos < reader.len) {
    const tag = reader.uint32();
    const [id, wire] = [tag >>> 3, tag & 7];
    const field = type.fieldsById[id];
    if (!field) return [...found, `${type.name} has no field ${id}`];
    const resolved = field.resolvedType;
    const isMessage = resolved instanceof protobuf.Type;
    const expected = isMessage ? BYTES : (basic[resolved ? 'int32' : field.type] ?? BYTES);
    const isPacked = field.repeated && wire === BYTES && field.type in packed;
    if (wire !== expected && !isPacked) found.push(`${field.fullName} has wire type ${wire}`);
    if (isMessage) found.push(...outsideType(resolved, reader.bytes()));
    else reader.skipType(wire);
  }
  return found;
}
