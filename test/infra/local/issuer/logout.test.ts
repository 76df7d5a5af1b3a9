import assert from 'node:assert/strict';
import { CLIENT, IssuerServer, PAGE, Person } from './issuer-fixture.ts';

describe('the logout of the development issuer', () => {
  const server = new IssuerServer();
  let person: Person;
  let hint: string;
  beforeEach(async () => {
    person = new Person();
    await person.logIn(await server.authorizeUrl());
    hint = await server.issuer.idToken('user:kari', CLIENT.client_id);
  });

  const url = (fields: Record<string, string>) =>
    `${server.issuer.url}/logout?${new URLSearchParams(fields)}`;
  const isLoggedIn = async () => {
    const { target } = await person.ask(await server.authorizeUrl({ prompt: 'none' }));
    return target?.searchParams.has('code');
  };

  it('ends the session of the person that the hint names, and goes back', async () => {
    assert.equal(await isLoggedIn(), true);
    const { target } = await person.ask(
      url({ id_token_hint: hint, post_logout_redirect_uri: PAGE, state: 'mine', ...CLIENT }),
    );
    assert.equal(target?.href, `${PAGE}?state=mine`);
    assert.equal(await isLoggedIn(), false);
  });

  it('shows that it is over where there is nowhere to go', async () => {
    const { status, text } = await person.ask(url({ id_token_hint: hint }));
    assert.equal(status, 200);
    assert.match(text, /Logged out/);
    assert.equal(await isLoggedIn(), false);
  });

  it('asks first where it is not told who it is', async () => {
    const other = await server.issuer.idToken('user:ola', CLIENT.client_id);
    const back = { post_logout_redirect_uri: PAGE, ...CLIENT };
    for (const asked of [url(back), url({ ...back, id_token_hint: other })]) {
      const { status, text } = await person.ask(asked);
      assert.equal(status, 200);
      assert.match(text, /You are logged in as user:kari/);
      assert.equal(await isLoggedIn(), true);
    }
    assert.equal(
      (await person.ask(url(back), { confirm: 'yes' }, 'https://attacker.example')).target,
      undefined,
    );
    assert.equal(await isLoggedIn(), true);
    assert.equal((await person.ask(url(back), { confirm: 'yes' }, server.origin)).target?.href, PAGE);
    assert.equal(await isLoggedIn(), false);
  });

  for (const [title, fields] of Object.entries({
    'an address that is not registered': { post_logout_redirect_uri: 'https://attacker.example/', ...CLIENT },
    'an address without a client': { post_logout_redirect_uri: PAGE },
    'a hint that is no token': { id_token_hint: 'none', post_logout_redirect_uri: PAGE },
  })) {
    it(`refuses ${title}`, async () => {
      const { status, target } = await person.ask(url(fields));
      assert.deepEqual([status, target], [400, undefined]);
      assert.equal(await isLoggedIn(), true);
    });
  }

  it('refuses a hint for another client, and an access token', async () => {
    const access = await server.issuer.token('user:kari');
    for (const fields of [
      { id_token_hint: hint, client_id: 'other' },
      { id_token_hint: access, ...CLIENT },
    ]) {
      assert.equal((await person.ask(url(fields))).status, 400);
    }
    assert.equal(await isLoggedIn(), true);
    assert.equal((await fetch(url({}), { method: 'PUT' })).status, 405);
  });
});

describe('the development issuer, asked by scripts of pages', () => {
  const server = new IssuerServer();

  it('lets pages read it that may log in', async () => {
    for (const origin of ['http://localhost:5173', 'http://127.0.0.1:9', 'https://page.example.no']) {
      const response = await fetch(`${server.issuer.url}/jwks`, { headers: { origin } });
      assert.equal(response.headers.get('access-control-allow-origin'), origin);
      assert.equal(response.headers.get('vary'), 'Origin');
      const preflight = await fetch(`${server.issuer.url}/token`, { method: 'OPTIONS', headers: { origin } });
      assert.deepEqual([preflight.status, preflight.headers.get('access-control-allow-headers')], [204, '*']);
    }
  });

  it('lets no other read it, and none a page for people', async () => {
    for (const origin of [
      'https://attacker.example',
      'http://localhost.attacker.example',
      'null',
      'http://localhost/path',
    ]) {
      const response = await fetch(`${server.issuer.url}/token`, { method: 'POST', headers: { origin } });
      assert.equal(response.headers.get('access-control-allow-origin'), null, origin);
    }
    const headers = { origin: 'http://localhost:5173' };
    const page = await fetch(await server.authorizeUrl(), { headers });
    assert.equal(page.headers.get('access-control-allow-origin'), null);
    const preflight = await fetch(`${server.issuer.url}/token`, { method: 'OPTIONS' });
    assert.equal(preflight.status, 405);
    assert.equal((await fetch(`${server.issuer.url}/jwks`, { method: 'POST' })).status, 405);
  });
});
