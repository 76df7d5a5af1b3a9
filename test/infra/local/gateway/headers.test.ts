import assert from 'node:assert/strict';
import type { IncomingHttpHeaders } from 'node:http';
import { gatewayBefore, rawClient } from './gateway-fixture.ts';

/** The request as a function sees it, written by hand. */
async function seenBy(text: string): Promise<{ headers: IncomingHttpHeaders; raw: string[]; body: string }> {
  const seen = Promise.withResolvers<{ headers: IncomingHttpHeaders; raw: string[]; body: string }>();
  await using fixture = await gatewayBefore(async (asked, answer) => {
    let body = '';
    for await (const chunk of asked) body += chunk;
    seen.resolve({ headers: asked.headers, raw: asked.rawHeaders, body });
    answer.end('answered');
  });
  const { until } = await rawClient(fixture.gateway.port, text.replaceAll('\n', '\r\n'));
  await until(/answered/);
  return seen.promise;
}

describe('the headers that the gateway passes on', () => {
  it('are those of the message, and not those of the connection', async () => {
    const { headers, raw } = await seenBy(
      'GET /files/a HTTP/1.1\nHost: example.test\nConnection: keep-alive, X-Hop\nX-Hop: 1\nTE: trailers\n' +
        'Upgrade: h2c\nProxy-Connection: keep-alive\nX-End: a\nX-End: b\nRange: bytes=0-1\n\n',
    );
    for (const gone of ['x-hop', 'te', 'upgrade', 'proxy-connection']) assert.equal(headers[gone], undefined);
    assert.equal(headers.host, 'example.test');
    assert.equal(headers.range, 'bytes=0-1');
    assert.deepEqual(
      raw.filter((_, at) => raw[at - 1] === 'X-End'),
      ['a', 'b'],
    );
  });

  it('say who asked and how, whatever the client claims of the scheme', async () => {
    const { headers } = await seenBy(
      'GET /files/a HTTP/1.1\nHost: x\nX-Forwarded-For: 203.0.113.7\nX-Forwarded-Proto: https\n\n',
    );
    assert.equal(headers['x-forwarded-for'], '203.0.113.7, 127.0.0.1');
    assert.equal(headers['x-forwarded-proto'], 'http');
  });

  it('carry a trace, the caller’s own where it is valid', async () => {
    const trace = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    const kept = await seenBy(`GET /files/a HTTP/1.1\nHost: x\ntraceparent: ${trace}\n\n`);
    assert.equal(kept.headers['traceparent'], trace);
    const made = await seenBy('GET /files/a HTTP/1.1\nHost: x\ntraceparent: nonsense\n\n');
    assert.match(String(made.headers['traceparent']), /^00-[\da-f]{32}-[\da-f]{16}-01$/);
  });

  it('frame the body of any method, so that it cannot pass as the next request', async () => {
    const smuggled = 'GET /files/other HTTP/1.1\nHost: x\n\n'.replaceAll('\n', '\r\n');
    const chunk = `${smuggled.length.toString(16)}\n${smuggled}\n0\n\n`;
    const { headers, body } = await seenBy(
      `DELETE /files/a HTTP/1.1\nHost: x\nTransfer-Encoding: chunked\n\n${chunk}`.replaceAll('\r\n', '\n'),
    );
    assert.equal(headers['transfer-encoding'], 'chunked');
    assert.equal(body, smuggled);
  });

  it('do not hide a transfer coding that nobody here undoes', async () => {
    await using fixture = await gatewayBefore((_, answer) => answer.end('answered'));
    const head = 'POST /files HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n';
    const { until } = await rawClient(fixture.gateway.port, head);
    assert.match(await until(/\}$/), /^HTTP\/1\.1 501 /);
  });

  it('give a POST without a body a length of zero', async () => {
    const { headers } = await seenBy('POST /uploads HTTP/1.1\nHost: x\n\n');
    assert.equal(headers['content-length'], '0');
    assert.equal(headers['transfer-encoding'], undefined);
  });

  it('keep the answer’s own order and repetition', async () => {
    await using fixture = await gatewayBefore((_, answer) => {
      answer.writeHead(200, ['Set-Cookie', 'a=1', 'X-B', '1', 'Set-Cookie', 'b=2', 'Content-Length', '2']);
      answer.end('ok');
    });
    const { until } = await rawClient(fixture.gateway.port, 'GET /files/a HTTP/1.1\r\nHost: x\r\n\r\n');
    assert.match(await until(/ok$/), /Set-Cookie: a=1\r\nX-B: 1\r\nSet-Cookie: b=2\r\nContent-Length: 2/);
  });
});
