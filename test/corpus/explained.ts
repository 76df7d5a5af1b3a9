interface Explained {
  readonly path: RegExp;
  readonly detail: RegExp;
  readonly why: string;
}

/** Files of a machine that are rightly refused, or whose names say what they are. */
export const EXPLAINED: readonly Explained[] = [
  {
    path: /\/clamav-testfiles\/|\/node_modules\/.*eicar/i,
    detail: /Clamav-Test-File|Eicar/,
    why: 'test files of antivirus software: malware, as far as that goes',
  },
  {
    path: /\.(?:deb|a)$/,
    detail: /Unscannable\.Ar\b/,
    why: 'Debian packages and object files in Unix archives, which ClamAV does not open',
  },
  {
    path: /\.jmod$/,
    detail: /sizes behind the data/,
    why: 'Java modules: a zip behind 4 bytes, whose members only its directory delimits',
  },
  {
    path: /\/jvm\/.*\/ct\.sym$/,
    detail: /MaxFiles/,
    why: 'a zip of the Java compiler with more than 10 000 members, which is the limit',
  },
  {
    path: /\.(?:7z|rar|zst|lz4|lzma|lz|lzo|sqfs|squashfs|arj|ace|rpm|arc|zoo|sit)$/,
    detail: /Unscannable\./,
    why: 'compressed files and archives that ClamAV does not open, by their names',
  },
];
