import { bytes, hex, u16, u32 } from './build.ts';

export interface Stream {
  /** Storages and the stream's own name, with a slash between them. */
  readonly path: string;
  readonly data: Uint8Array;
}

interface Node {
  readonly name: string;
  readonly data?: Uint8Array;
  readonly children: Map<string, Node>;
}

const END = 0xfffffffe;
const FREE = 0xffffffff;
const MINI = 64;
/** Streams below this are in the mini stream. */
const CUTOFF = 4096;

const table = (values: readonly number[]) => bytes(...values.map(u32));

/**
 * A compound file (MS-CFB), as of Office before 2007, of Outlook's messages and of installers. Where `scattered` is set,
 * each stream goes from the last of its sectors to the first, so that none is legible in the file as it is.
 */
export function ole2(
  streams: readonly Stream[],
  { scattered = false, sector = 512 }: { scattered?: boolean; sector?: 512 | 4096 } = {},
): Buffer {
  const sectors = new Chains(sector, scattered);
  const mini = new Chains(MINI, scattered);
  const root: Node = { name: 'Root Entry', children: new Map() };
  for (const { path, data } of streams) add(root, path.split('/'), data);
  const entries: Buffer[] = [];
  const write = (node: Node, right: number): number => {
    const id = entries.push(Buffer.alloc(128)) - 1;
    const sorted = [...node.children.values()].toSorted((a, b) => order(a.name, b.name));
    // A list, which is a tree, too: each is the right neighbour of the one before.
    const child = sorted.reduceRight((next, one) => write(one, next), FREE);
    const { data } = node;
    const size = data?.length ?? 0;
    const start = data === undefined ? 0 : (size < CUTOFF ? mini : sectors).add(data);
    entries[id] = entryOf(node.name, data ? 2 : 1, [FREE, right, child], start, size);
    return id;
  };
  // The root's own entry is the first, and says where the mini stream is, which is known last.
  entries.push(Buffer.alloc(128));
  const children = [...root.children.values()].toSorted((a, b) => order(a.name, b.name));
  const first = children.reduceRight((next, one) => write(one, next), FREE);
  const small = bytes(...mini.pieces);
  entries[0] = entryOf(root.name, 5, [FREE, FREE, first], sectors.add(small), small.length);
  const miniTable = sectors.add(table(mini.next));
  while ((entries.length * 128) % sector !== 0) entries.push(entryOf('', 0, [FREE, FREE, FREE], 0, 0));
  const directory = sectors.add(bytes(...entries));
  const perSector = sector / 4;
  const used = sectors.next.length;
  let tables = 1;
  // The header says where the first 109 sectors of the table are; the others are listed in separate sectors.
  const listsOf = (count: number) => Math.max(0, Math.ceil((count - 109) / (perSector - 1)));
  while (tables * perSector < used + tables + listsOf(tables)) tables++;
  const lists = listsOf(tables);
  const fat = [
    ...sectors.next,
    ...Array.from({ length: tables }, () => 0xfffffffd),
    ...Array.from({ length: lists }, () => 0xfffffffc),
  ];
  while (fat.length % perSector !== 0) fat.push(FREE);
  const where = Array.from({ length: 109 + lists * (perSector - 1) }, (_, at) =>
    at < tables ? used + at : FREE,
  );
  const listed = Array.from({ length: lists }, (_, at) =>
    table([
      ...where.slice(109 + at * (perSector - 1), 109 + (at + 1) * (perSector - 1)),
      at === lists - 1 ? END : used + tables + at + 1,
    ]),
  );
  const header = bytes(
    hex('d0cf11e0a1b11ae1'),
    Buffer.alloc(16),
    u16(0x3e),
    u16(sector === 512 ? 3 : 4),
    u16(0xfffe),
    u16(Math.log2(sector)),
    u16(6),
    Buffer.alloc(6),
    u32(sector === 512 ? 0 : (entries.length * 128) / sector),
    u32(tables),
    u32(directory),
    u32(0),
    u32(CUTOFF),
    u32(miniTable),
    u32(mini.next.length === 0 ? 0 : Math.ceil((mini.next.length * 4) / sector)),
    u32(lists === 0 ? END : used + tables),
    u32(lists),
    table(where.slice(0, 109)),
  );
  return bytes(header, Buffer.alloc(sector - 512), ...sectors.pieces, table(fat), ...listed);
}

/** Sectors, and which comes behind which. */
class Chains {
  readonly pieces: Buffer[] = [];
  readonly next: number[] = [];
  readonly #size: number;
  readonly #scattered: boolean;

  constructor(size: number, scattered: boolean) {
    this.#size = size;
    this.#scattered = scattered;
  }

  /** @returns the first sector */
  add(data: Uint8Array): number {
    const count = Math.ceil(data.length / this.#size);
    const base = this.pieces.length;
    const placeOf = (at: number) => base + (this.#scattered ? count - 1 - at : at);
    for (let at = 0; at < count; at++) {
      const piece = Buffer.alloc(this.#size);
      piece.set(data.subarray(at * this.#size, (at + 1) * this.#size));
      this.pieces[placeOf(at)] = piece;
      this.next[placeOf(at)] = at === count - 1 ? END : placeOf(at + 1);
    }
    return count === 0 ? END : placeOf(0);
  }
}

function add(node: Node, path: readonly string[], data: Uint8Array): void {
  const [name = '', ...rest] = path;
  const known = node.children.get(name);
  const next: Node =
    known ?? (rest.length === 0 ? { name, data, children: new Map() } : { name, children: new Map() });
  node.children.set(name, next);
  if (rest.length > 0) add(next, rest, data);
}

/** MS-CFB 2.6.4: by length, then by code points in capitals. */
function order(a: string, b: string): number {
  if (a.length !== b.length) return a.length - b.length;
  return a.toUpperCase() < b.toUpperCase() ? -1 : 1;
}

function entryOf(
  name: string,
  type: 0 | 1 | 2 | 5,
  links: readonly number[],
  start: number,
  size: number,
): Buffer {
  const text = Buffer.from(name === '' ? '' : `${name}\0`, 'utf16le');
  return bytes(
    text,
    Buffer.alloc(64 - text.length),
    u16(text.length),
    Uint8Array.of(type, 1),
    table(links),
    Buffer.alloc(36),
    u32(start),
    u32(size),
    u32(0),
  );
}

/** The stream `\x01Ole10Native` of an object that is a file: what Office calls a package. */
export function packaged(name: string, data: Uint8Array): Buffer {
  const path = `C:\\${name}\0`;
  const content = bytes(
    u16(2),
    `${name}\0`,
    path,
    u16(0),
    u16(3),
    u32(path.length),
    path,
    u32(data.length),
    data,
  );
  return bytes(u32(content.length), content);
}

/** MS-OVBA 2.4.1, without any repetition: a byte 0 before each eight, so that little is legible. */
function ovba(data: Uint8Array): Buffer {
  const tokens: Uint8Array[] = [];
  for (let at = 0; at < data.length; at += 8) tokens.push(Uint8Array.of(0), data.subarray(at, at + 8));
  const chunk = bytes(...tokens);
  return bytes(Uint8Array.of(1), u16(0xb000 | (chunk.length - 1)), chunk);
}

/** The streams of a macro's project with one module (MS-OVBA 2.3), below a storage. */
export function macro(storage: string, source: Uint8Array): readonly Stream[] {
  const record = (id: number, data: string | Uint8Array) => bytes(u16(id), u32(data.length), data);
  const wide = (text: string) => Buffer.from(text, 'utf16le');
  const dir = bytes(
    record(1, u32(1)),
    record(2, u32(0x409)),
    record(0x14, u32(0x409)),
    record(3, u16(1252)),
    record(4, 'Project'),
    record(5, ''),
    record(0x40, ''),
    record(6, ''),
    record(0x3d, ''),
    record(7, u32(0)),
    record(8, u32(0)),
    bytes(u16(9), u32(4), u32(1), u16(1)),
    record(0xc, ''),
    record(0x3c, ''),
    record(0xf, u16(1)),
    record(0x13, u16(0xffff)),
    record(0x19, 'Module1'),
    record(0x47, wide('Module1')),
    record(0x1a, 'Module1'),
    record(0x32, wide('Module1')),
    record(0x1c, ''),
    record(0x48, ''),
    record(0x31, u32(0)),
    record(0x1e, u32(0)),
    record(0x2c, u16(0xffff)),
    record(0x21, ''),
    record(0x2b, ''),
    record(0x10, ''),
  );
  return [
    { path: `${storage}/VBA/dir`, data: ovba(dir) },
    { path: `${storage}/VBA/_VBA_PROJECT`, data: hex('cc61ffff000000') },
    { path: `${storage}/VBA/Module1`, data: ovba(source) },
    { path: `${storage}/PROJECT`, data: Buffer.from('ID="{0}"\r\nModule=Module1\r\nName="Project"\r\n') },
  ];
}
