import { spawn } from 'node:child_process';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CHROMIUM } from '../support/chromium.ts';
import { HARMLESS, MARKER } from './case.ts';

interface Opening {
  /** The program and its arguments, run in an empty folder. */
  readonly command: readonly [string, ...string[]];
  /** The Debian package that has it. */
  readonly package: string;
  /** Suffix of the file's name, where the program goes by it. */
  readonly suffix?: string;
  /** Writes what it extracts to its standard output. */
  readonly prints?: true;
  /** Takes longer than programs do that only unpack. */
  readonly slow?: true;
}

/** Replaced by the file's path in the commands below. */
const FILE = '{file}';

const python = (code: string): Opening => ({
  command: ['python3', '-c', code, FILE],
  prints: true,
  package: 'python3',
});

/** Programs that extract files without repairing anything: each claim of a case that one opens it is tried. */
const PROGRAMS = {
  '7zz': { command: ['7zz', 'x', '-y', '-bd', '-psecret', FILE], package: '7zip' },
  ar: { command: ['ar', 'x', FILE], package: 'binutils' },
  arc: { command: ['arc', 'x', FILE], package: 'arc', suffix: '.arc' },
  arj: { command: ['arj', 'x', '-y', '-gsecret', FILE], package: 'arj', suffix: '.arj' },
  bsdtar: { command: ['bsdtar', '--passphrase', 'secret', '-xf', FILE], package: 'libarchive-tools' },
  // From a pipe it cannot go by the directory at a zip's end, as programs cannot that unpack while they receive.
  'bsdtar, from a pipe': {
    command: ['sh', '-c', 'cat "$0" | bsdtar -xf -', FILE],
    package: 'libarchive-tools',
  },
  Chromium: {
    command: [CHROMIUM ? process.execPath : 'chromium', join(import.meta.dirname, 'download.ts'), FILE],
    package: 'chromium',
    suffix: '.html',
    slow: true,
  },
  bzip2: { command: ['bzip2', '-dc', FILE], prints: true, package: 'bzip2' },
  cabextract: { command: ['cabextract', '-q', FILE], package: 'cabextract' },
  dcmdump: { command: ['dcmdump', '-q', '+W', '.', FILE], package: 'dcmtk' },
  dpkg: { command: ['dpkg-deb', '-x', FILE, '.'], package: 'dpkg' },
  'fsck.cramfs': { command: ['fsck.cramfs', '--extract=out', FILE], package: 'util-linux' },
  gpg: {
    command: [
      'gpg',
      '--batch',
      '--no-autostart',
      '--quiet',
      '--homedir',
      '.',
      '--pinentry-mode',
      'loopback',
      '--passphrase',
      'secret',
      '--decrypt',
      FILE,
    ],
    prints: true,
    package: 'gpg',
  },
  gzip: { command: ['gzip', '-dc', FILE], prints: true, package: 'gzip', suffix: '.Z' },
  isoinfo: { command: ['isoinfo', '-J', '-x', '/p.txt', '-i', FILE], prints: true, package: 'genisoimage' },
  lha: { command: ['lha', 'xqf', FILE], package: 'lhasa' },
  lrzip: { command: ['lrzip', '-q', '-d', '-o', 'out', FILE], package: 'lrzip', suffix: '.lrz' },
  lz4: { command: ['lz4', '-q', '-dc', FILE], prints: true, package: 'lz4' },
  lzip: { command: ['lzip', '-dc', FILE], prints: true, package: 'lzip' },
  lzop: { command: ['lzop', '-dc', FILE], prints: true, package: 'lzop' },
  msiextract: { command: ['msiextract', FILE], package: 'msitools' },
  mtools: { command: ['mcopy', '-s', '-i', FILE, '::/', '.'], package: 'mtools' },
  munpack: { command: ['munpack', '-q', FILE], package: 'mpack' },
  nomarch: { command: ['nomarch', FILE], prints: true, package: 'nomarch' },
  openssl: {
    command: ['openssl', 'cms', '-verify', '-noverify', '-inform', 'DER', '-in', FILE],
    prints: true,
    package: 'openssl',
  },
  pdfdetach: { command: ['pdfdetach', '-saveall', FILE], package: 'poppler-utils' },
  qpdf: {
    command: [
      'qpdf',
      '--decrypt',
      '--stream-data=uncompress',
      '--decode-level=all',
      '--object-streams=disable',
      FILE,
      '-',
    ],
    prints: true,
    package: 'qpdf',
  },
  rpm2cpio: { command: ['rpm2cpio', FILE], prints: true, package: 'rpm2cpio' },
  rzip: { command: ['rzip', '-d', '-o', 'out', FILE], package: 'rzip', suffix: '.rz' },
  sh: { command: ['sh', FILE], package: 'dash' },
  tar: { command: ['tar', '-xf', FILE], package: 'tar' },
  'tar -i': { command: ['tar', '-xif', FILE], package: 'tar' },
  tnef: { command: ['tnef', '--overwrite', '--save-body=body', '-f', FILE], package: 'tnef' },
  unar: { command: ['unar', '-q', '-f', '-p', 'secret', FILE], package: 'unar' },
  unrtf: { command: ['unrtf', '--text', '--quiet', FILE], prints: true, package: 'unrtf' },
  unsquashfs: { command: ['unsquashfs', '-q', FILE], package: 'squashfs-tools' },
  unzip: { command: ['unzip', '-o', '-qq', '-P', 'secret', FILE], package: 'unzip' },
  uudeview: { command: ['uudeview', '-i', '-q', '-a', FILE], package: 'uudeview' },
  uudecode: { command: ['uudecode', '-o', 'out', FILE], package: 'sharutils' },
  wimlib: { command: ['wimlib-imagex', 'extract', FILE, '1'], package: 'wimtools' },
  xz: { command: ['xz', '-dc', FILE], prints: true, package: 'xz-utils', suffix: '.lzma' },
  zpaq: { command: ['zpaq', 'x', FILE], package: 'zpaq', suffix: '.zpaq' },
  zstd: { command: ['zstd', '-q', '-dc', FILE], prints: true, package: 'zstd' },
  'Python zipfile': { command: ['python3', '-m', 'zipfile', '-e', FILE, '.'], package: 'python3' },
  'Python email': python(
    'import sys,email\n' +
      'for n,p in enumerate(email.message_from_binary_file(open(sys.argv[1],"rb")).walk()):\n' +
      '  d=p.get_payload(decode=True)\n' +
      '  if d: open(str(n),"wb").write(d)\n' +
      '  c=p.get_content_charset()\n' +
      '  if d and c: open(str(n)+"u","wb").write(d.decode(c,"replace").encode())',
  ),
  'Python mailbox': python(
    'import sys,mailbox\n' +
      'for n,m in enumerate(mailbox.mbox(sys.argv[1])):\n' +
      '  for k,p in enumerate(m.walk()):\n' +
      '    d=p.get_payload(decode=True)\n' +
      '    if d: open(f"{n}-{k}","wb").write(d)',
  ),
} as const satisfies Readonly<Record<string, Opening>>;

/** Programs that show or run what a file says, as it is. No command here is one: that the marker is legible has to do. */
const READERS = ['browser', 'mail client', 'office program', 'PDF reader', 'script host', 'viewer'] as const;

export type Program = keyof typeof PROGRAMS | (typeof READERS)[number];

/** The programs that got at the marker, in turn; `nobody` although one that is here claims to; else `unchecked`. */
export type Opened = string | 'nobody' | 'unchecked';

/** No more files than these are tried of one case. */
const MOST = 50;
const DEEPEST = 5;

/** Tries programs on a file, and on what comes out of it, until the marker is there. */
export async function open(content: Buffer, programs: readonly Program[], folder: string): Promise<Opened> {
  const reader = programs.find(isReader);
  const shown = (file: Buffer) =>
    file.includes(MARKER) || (reader !== undefined && file.includes(MARKER_UTF16));
  if (reader && shown(content)) return reader;
  const tools = programs.filter((program) => !isReader(program));
  const known: Buffer[] = [HARMLESS];
  let asked = false;
  // Into what a program found before the next is tried: mostly the first of them is the right one.
  const look = async (within: Buffer, by: readonly string[]): Promise<string | undefined> => {
    known.push(within);
    for (const tool of tools) {
      const files = await extract(within, PROGRAMS[tool], join(folder, `${known.length}`));
      asked ||= files !== undefined;
      const chain = [...by, tool];
      if (files?.some(shown)) return chain.join(' > ');
      for (const file of files ?? []) {
        const skipped = file.length === 0 || known.some((other) => other.equals(file));
        if (skipped || chain.length >= DEEPEST || known.length > MOST) continue;
        const found = await look(file, chain);
        if (found) return found;
      }
    }
    return undefined;
  };
  return (await look(content, [])) ?? (asked && reader === undefined ? 'nobody' : 'unchecked');
}

const MARKER_UTF16 = Buffer.from(MARKER.toString('latin1'), 'utf16le');

/** The Debian packages without which some claims cannot be tried. */
export const PACKAGES: readonly string[] = [
  ...new Set(Object.values(PROGRAMS).map((opening) => opening.package)),
];

function isReader(program: Program): program is (typeof READERS)[number] {
  return (READERS as readonly string[]).includes(program);
}

/** @returns undefined where there is no such program; nothing where it extracts nothing */
async function extract(content: Buffer, opening: Opening, folder: string): Promise<Buffer[] | undefined> {
  const [program, ...args] = opening.command;
  const out = join(folder, 'out');
  const file = join(folder, `case${opening.suffix ?? ''}`);
  await mkdir(out, { recursive: true });
  await writeFile(file, content);
  try {
    const printed = await run(
      program,
      args.map((arg) => (arg === FILE ? file : arg)),
      out,
      opening.slow ? 120_000 : 20_000,
    );
    if (printed === undefined) return undefined;
    return [...(opening.prints ? [printed] : []), ...(await filesIn(out))];
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function filesIn(folder: string): Promise<Buffer[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).slice(0, 1000);
  // A name made of garbage may be no name that can be read again.
  const read = files.map((entry) => readFile(join(entry.parentPath, entry.name)).catch(() => undefined));
  return (await Promise.all(read)).filter((content) => content !== undefined);
}

/** @returns standard output, whatever the exit code: some warn and extract. Undefined where there is no such program */
function run(
  program: string,
  args: readonly string[],
  folder: string,
  timeout: number,
): Promise<Buffer | undefined> {
  return new Promise((resolve) => {
    const child = spawn(program, args, { cwd: folder, stdio: ['ignore', 'pipe', 'ignore'], timeout });
    const chunks: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
    child.on('error', () => resolve(undefined));
    child.on('close', () => resolve(Buffer.concat(chunks)));
  });
}
