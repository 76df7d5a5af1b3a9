/** The smallest function that loads what ours are built of and nothing else; `LIBRARIES` names them. */
import { http } from '@google-cloud/functions-framework';

await Promise.all((process.env['LIBRARIES'] ?? '').split(' ').map((name) => import(name)));

http('hello', (_request, response) => {
  response.send('Hello');
});
