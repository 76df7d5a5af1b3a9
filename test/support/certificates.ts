import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface Certificate {
  readonly cert: string;
  readonly key: string;
}

/** Certificates of an authority that nobody else trusts, made by openssl. */
export class Authority {
  readonly folder = mkdtempSync(join(tmpdir(), 'fileshare-ca-'));
  /** Path of its certificate, for `NODE_EXTRA_CA_CERTS`. */
  readonly path = join(this.folder, 'ca.pem');

  constructor() {
    this.#openssl(`req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=ca
      -keyout ca.key -out ca.pem`);
  }

  /** @param name such as `IP:127.0.0.1` or `DNS:hooks.example` */
  issue(name: string, { expired = false } = {}): Certificate {
    writeFileSync(join(this.folder, 'extensions'), `subjectAltName=${name}\n`);
    this.#openssl(`req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=receiver
      -keyout leaf.key -out leaf.csr`);
    this.#openssl(`x509 -req -in leaf.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days ${expired ? -1 : 2}
      -extfile extensions -out leaf.pem`);
    return { cert: this.#read('leaf.pem'), key: this.#read('leaf.key') };
  }

  remove(): void {
    rmSync(this.folder, { recursive: true });
  }

  #read(name: string): string {
    return readFileSync(join(this.folder, name), 'utf8');
  }

  #openssl(command: string): void {
    execFileSync('openssl', command.trim().split(/\s+/), { cwd: this.folder, stdio: 'pipe' });
  }
}
