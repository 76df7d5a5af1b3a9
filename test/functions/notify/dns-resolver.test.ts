import assert from 'node:assert/strict';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { dnsResolver, publicLookup, type Resolve } from '../../../functions/notify/public-address.ts';

/** RFC 1035 section 3.2.2, RFC 3596. */
const TYPES: Readonly<Record<number, 'A' | 'AAAA'>> = { 1: 'A', 28: 'AAAA' };
/** RFC 1035 section 4.1.1. */
const [NO_ERROR, SERVFAIL, NXDOMAIN] = [0, 2, 3];
const HEADER_BYTES = 12;

/** Addresses in bytes, or a code of failure, by `TYPE NAME`. */
type Zone = Readonly<Record<string, readonly (readonly number[])[] | number>>;

/** A name server for one question each (RFC 1035). */
class NameServer {
  readonly #socket: Socket = createSocket('udp4');
  readonly asked: string[] = [];
  zone: Zone = {};

  constructor() {
    this.#socket.on('message', (query, { port, address }) => {
      this.#socket.send(this.#answer(query), port, address);
    });
  }

  async listen(): Promise<void> {
    this.#socket.bind(0, '127.0.0.1');
    await once(this.#socket, 'listening');
  }

  get address(): string {
    return `127.0.0.1:${this.#socket.address().port}`;
  }

  close(): void {
    this.#socket.close();
  }

  #answer(query: Buffer): Buffer {
    const labels: string[] = [];
    let at = HEADER_BYTES;
    for (let length = query[at] ?? 0; length > 0; length = query[at] ?? 0) {
      labels.push(query.toString('latin1', at + 1, at + 1 + length));
      at += 1 + length;
    }
    const question = query.subarray(HEADER_BYTES, at + 5);
    const type = query.readUInt16BE(at + 1);
    const name = `${TYPES[type]} ${labels.join('.')}`;
    this.asked.push(name);
    const found = this.zone[name] ?? NXDOMAIN;
    const addresses = typeof found === 'number' ? [] : found;
    const header = Buffer.alloc(HEADER_BYTES);
    query.copy(header, 0, 0, 2);
    header.writeUInt16BE(0x8180 | (typeof found === 'number' ? found : NO_ERROR), 2);
    header.writeUInt16BE(1, 4);
    header.writeUInt16BE(addresses.length, 6);
    const records = addresses.map((bytes) =>
      // The name of the question, its type, class IN, a minute.
      Buffer.from([0xc0, HEADER_BYTES, 0, type, 0, 1, 0, 0, 0, 60, 0, bytes.length, ...bytes]),
    );
    return Buffer.concat([header, question, ...records]);
  }
}

describe('the name server that callbacks ask', () => {
  const server = new NameServer();
  let resolve: Resolve;
  before(async () => {
    await server.listen();
    resolve = dnsResolver([server.address]);
  });
  after(() => server.close());
  beforeEach(() => {
    server.asked.length = 0;
  });

  const IPV6 = [0x20, 0x01, 0x48, 0x60, ...Array.from({ length: 11 }, () => 0), 1];

  it('tells all addresses, of both kinds', async () => {
    server.zone = {
      'A a.example.no': [
        [8, 8, 8, 8],
        [10, 0, 0, 1],
      ],
      'AAAA a.example.no': [IPV6],
    };
    assert.deepEqual(await resolve('a.example.no'), [
      { address: '8.8.8.8', family: 4 },
      { address: '10.0.0.1', family: 4 },
      { address: '2001:4860::1', family: 6 },
    ]);
    assert.deepEqual(server.asked.sort(), ['A a.example.no', 'AAAA a.example.no']);
  });

  it('is asked each time, so that an address that became private is refused', async () => {
    const lookup = publicLookup(resolve, false);
    const looked = () =>
      new Promise((done, failed) => {
        lookup('a.example.no', {}, (error, address) => (error ? failed(error) : done(address)));
      });
    server.zone = { 'A a.example.no': [[8, 8, 8, 8]], 'AAAA a.example.no': NXDOMAIN };
    assert.equal(await looked(), '8.8.8.8');
    server.zone = { 'A a.example.no': [[169, 254, 169, 254]], 'AAAA a.example.no': NXDOMAIN };
    await assert.rejects(looked(), { name: 'ForbiddenAddress' });
  });

  for (const [what, four, six, addresses] of [
    ['IPv4 alone', [[8, 8, 8, 8]], [], ['8.8.8.8']],
    ['IPv6 alone', [], [IPV6], ['2001:4860::1']],
    ['IPv4, and a failure of the other', [[8, 8, 8, 8]], SERVFAIL, ['8.8.8.8']],
    ['IPv6, and a failure of the other', SERVFAIL, [IPV6], ['2001:4860::1']],
  ] as const) {
    it(`may know ${what}`, async () => {
      server.zone = { 'A b.example.no': four, 'AAAA b.example.no': six };
      assert.deepEqual(
        (await resolve('b.example.no')).map(({ address }) => address),
        addresses,
      );
    });
  }

  for (const [what, answer, code] of [
    ['does not know the name', NXDOMAIN, 'ENOTFOUND'],
    ['has no address of it', [], 'ENODATA'],
    ['fails', SERVFAIL, 'ESERVFAIL'],
  ] as const) {
    it(`is no source of addresses where it ${what}`, async () => {
      server.zone = { 'A c.example.no': answer, 'AAAA c.example.no': answer };
      await assert.rejects(resolve('c.example.no'), { code });
    });
  }

  it('is asked for the name as it is, without search domains and names of this machine', async () => {
    server.zone = { 'A localhost': NXDOMAIN, 'A hooks': NXDOMAIN };
    for (const name of ['localhost', 'hooks']) {
      await assert.rejects(resolve(name));
      assert.ok(
        server.asked.every((asked) => asked.endsWith(` ${name}`)),
        String(server.asked),
      );
      server.asked.length = 0;
    }
  });
});
