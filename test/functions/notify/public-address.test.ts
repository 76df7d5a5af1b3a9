import assert from 'node:assert/strict';
import type { LookupAddress } from 'node:dns';
import {
  ForbiddenAddress,
  isPublic,
  publicLookup,
  type Resolve,
} from '../../../functions/notify/public-address.ts';

describe('the address of a callback', () => {
  for (const address of ['8.8.8.8', '193.213.112.4', '2a00:1450:400f:80d::200e', '2001:4860:4860::8888']) {
    it(`may be ${address}`, () => assert.equal(isPublic(address), true));
  }

  for (const [address, what] of [
    ['0.0.0.0', 'this host'],
    ['0.1.2.3', 'this network'],
    ['10.0.0.1', 'private'],
    ['100.64.0.1', 'shared, behind carriers'],
    ['127.0.0.1', 'loopback'],
    ['127.255.255.254', 'loopback'],
    ['169.254.169.254', 'the metadata server'],
    ['172.16.0.1', 'private'],
    ['172.31.255.255', 'private'],
    ['192.0.0.8', 'protocol assignments'],
    ['192.0.2.1', 'documentation'],
    ['192.88.99.1', 'an old relay'],
    ['192.168.1.1', 'private'],
    ['198.18.0.1', 'benchmarks'],
    ['203.0.113.7', 'documentation'],
    ['224.0.0.1', 'multicast'],
    ['240.0.0.1', 'reserved'],
    ['255.255.255.255', 'broadcast'],
    ['::', 'unspecified'],
    ['::1', 'loopback'],
    ['::7f00:1', 'IPv4 in the oldest guise'],
    ['::ffff:127.0.0.1', 'IPv4, mapped'],
    ['::ffff:a9fe:a9fe', 'the metadata server, mapped'],
    ['64:ff9b::a9fe:a9fe', 'IPv4, translated'],
    ['64:ff9b:1::1', 'IPv4, translated locally'],
    ['100::1', 'discarded'],
    ['2001::1', 'Teredo'],
    ['2001:db8::1', 'documentation'],
    ['2002:7f00:1::', 'IPv4, by 6to4'],
    ['fc00::1', 'unique local'],
    ['fd00:ec2::254', 'a metadata server, unique local'],
    ['fd20:ce::254', 'the metadata server, unique local'],
    ['fe80::1', 'link-local'],
    ['fe80::1%eth0', 'link-local with a zone'],
    ['fec0::1', 'site-local'],
    ['ff02::1', 'multicast'],
    ['4000::1', 'not assigned'],
    ['', 'none'],
    ['hooks.example.no', 'a name'],
  ] as const) {
    it(`may not be ${address || 'empty'}: ${what}`, () => assert.equal(isPublic(address), false));
  }
});

describe('the lookup of a callback', () => {
  const answer = (...addresses: string[]): Resolve => {
    const found = addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));
    return () => Promise.resolve(found);
  };
  function looked(resolve: Resolve, loopback = false, all = true): Promise<string | LookupAddress[]> {
    return new Promise((done, failed) => {
      publicLookup(resolve, loopback)('hooks.example.no', { all }, (error, address) =>
        error ? failed(error) : done(address),
      );
    });
  }

  it('gives all addresses, or the first', async () => {
    const resolve = answer('8.8.8.8', '2001:4860:4860::8888');
    assert.deepEqual(await looked(resolve), [
      { address: '8.8.8.8', family: 4 },
      { address: '2001:4860:4860::8888', family: 6 },
    ]);
    assert.equal(await looked(resolve, false, false), '8.8.8.8');
  });

  it('refuses a name that has one address inside among others', async () => {
    for (const inside of ['10.0.0.1', '::1', '169.254.169.254', '::ffff:10.0.0.1']) {
      await assert.rejects(looked(answer('8.8.8.8', inside)), ForbiddenAddress);
      await assert.rejects(looked(answer(inside, '8.8.8.8'), false, false), ForbiddenAddress);
    }
  });

  it('lets addresses of this machine through where that is allowed, and no others inside', async () => {
    assert.deepEqual(await looked(answer('127.0.0.1'), true), [{ address: '127.0.0.1', family: 4 }]);
    await assert.rejects(looked(answer('10.0.0.1'), true), ForbiddenAddress);
    await assert.rejects(looked(answer('169.254.169.254'), true), ForbiddenAddress);
    await assert.rejects(looked(answer('0.0.0.0'), true), ForbiddenAddress);
  });

  it('fails where the name has no address, or cannot be resolved', async () => {
    await assert.rejects(looked(answer()), { code: 'ENOTFOUND' });
    const broken: Resolve = () => Promise.reject(Object.assign(new Error('no'), { code: 'EAI_AGAIN' }));
    await assert.rejects(looked(broken), { code: 'EAI_AGAIN' });
  });
});
