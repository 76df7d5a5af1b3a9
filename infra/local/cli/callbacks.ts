/** `npm run callbacks -- org:889640782`: receives the callbacks of an owner from `npm start`, verifies and prints them. */
import { createServer } from 'node:http';
import { resolve } from 'node:path';
import { Webhook } from 'standardwebhooks';
import * as v from 'valibot';
import { callbackKeys, secretOf } from '../../../functions/notify/signature.ts';
import { parsePrincipal } from '../../../shared/identity/principal.ts';
import { callbackKeyOf } from '../keys/callback-key.ts';
import { HOST } from '../processes/addresses.ts';
import { readPlatformConfig } from '../processes/config.ts';

const PORT = 9090;

const owner = parsePrincipal(process.argv[2] ?? 'org:889640782');
const { data } = readPlatformConfig(process.env, resolve(import.meta.dirname, '../../..'));
const [key] = v.parse(callbackKeys, callbackKeyOf(data));
if (owner && key) {
  const webhook = new Webhook(secretOf(owner, key));
  const server = createServer(async (request, response) => {
    const body = Buffer.concat(await request.toArray()).toString();
    try {
      const event = webhook.verify(body, request.headers as Record<string, string>);
      console.log(request.headers['webhook-id'], event);
      response.writeHead(204).end();
    } catch (error) {
      console.error(String(error));
      response.writeHead(401).end();
    }
  });
  server.listen(PORT, HOST, () => console.log(`Callbacks of ${owner} at http://${HOST}:${PORT}/`));
} else {
  console.error('Usage: npm run callbacks -- org:889640782');
  process.exitCode = 1;
}
