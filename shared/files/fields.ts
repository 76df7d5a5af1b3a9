/** Custom metadata of an object. At most 8 KiB of UTF-8 in all: https://cloud.google.com/storage/quotas#objects */
export type Metadata = Readonly<Record<string, string>>;

/** RFC 3339. */
export function parseTime(text: string): Date | undefined {
  const date = new Date(text);
  return Number.isNaN(date.getTime()) ? undefined : date;
}

export function parseCount(text: string): number | undefined {
  const count = Number(text);
  return /^\d+$/.test(text) && Number.isSafeInteger(count) ? count : undefined;
}

/** Called for a key that is missing or does not parse. If it does not throw, the value is undefined. */
type Corrupt = (key: string) => undefined;

/** How a value is stored in custom metadata, under one or more keys. */
export interface Field<T, Optional = boolean> {
  /** The key without which there is no value. */
  readonly key: string;
  readonly optional: Optional;
  write(value: T): Metadata;
  /** @returns undefined where there is no value */
  read(from: Metadata, corrupt: Corrupt): T | undefined;
}

/**
 * @param parse returns undefined if `format` cannot have produced the text
 * @param format returns undefined for a value that is not written
 * @param absent the value if the key is missing
 */
export function field<T>(
  key: string,
  parse: (text: string) => T | undefined,
  format: (value: T) => string | undefined = String,
  absent?: T,
): Field<T, false> {
  return {
    key,
    optional: false,
    write: (value) => {
      const text = format(value);
      return text === undefined ? {} : { [key]: text };
    },
    read: (from, corrupt) => {
      const text = from[key];
      return text === undefined ? absent : (parse(text) ?? corrupt(key));
    },
  };
}

export const text = (key: string) => field(key, (value) => value);
export const time = (key: string) => field(key, parseTime, (at) => at.toISOString());
export const count = (key: string) => field(key, parseCount);

export function oneOf<T extends string>(key: string, known: readonly T[]): Field<T, false> {
  return field(key, (text) => known.find((word) => word === text));
}

/** Any text other than `true` counts as absent. */
export function flag(key: string): Field<true, true> {
  return {
    key,
    optional: true,
    write: () => ({ [key]: 'true' }),
    read: (from) => from[key] === 'true' || undefined,
  };
}

export function optional<T>(required: Field<T>): Field<T, true> {
  return { ...required, optional: true };
}

/** A field for each property, optional where the property is: forgetting one does not compile. */
type Fields<T> = {
  readonly [K in keyof T]-?: Field<Exclude<T[K], undefined>, undefined extends T[K] ? true : false>;
};

/** An object that is present if its first field is. */
export function group<T extends object>(fields: Fields<T>): Field<T, false> {
  const entries = Object.entries<Field<unknown>>(fields);
  const key = entries[0]?.[1].key ?? '';
  return {
    key,
    optional: false,
    write: (value) => {
      const metadata = {};
      for (const [name, field] of entries) {
        const part = value[name as keyof T];
        if (part !== undefined) Object.assign(metadata, field.write(part));
      }
      return metadata;
    },
    read: (from, corrupt) => {
      if (from[key] === undefined) return undefined;
      const value: Record<string, unknown> = {};
      for (const [name, field] of entries) {
        const part = field.read(from, corrupt);
        if (part !== undefined) value[name] = part;
        else if (!field.optional) return corrupt(field.key);
      }
      return value as T;
    },
  };
}

/** One of several kinds of objects: `property`, kept under `key`, says which. One of no known kind is none. */
export function tagged<T extends object, P extends keyof T>(
  property: P,
  key: string,
  kinds: { readonly [Tag in T[P] & string]: Fields<Omit<Extract<T, { readonly [_ in P]: Tag }>, P>> },
): Field<T, false> {
  const tag = { [property]: field(key, (text) => text) };
  const groups = new Map(
    Object.entries<object>(kinds).map(([kind, fields]) => [kind, group({ ...tag, ...fields } as Fields<T>)]),
  );
  return {
    key,
    optional: false,
    write: (value) => groups.get(String(value[property]))?.write(value) ?? {},
    read: (from, corrupt) => groups.get(from[key] ?? '')?.read(from, corrupt),
  };
}
