/**
 * Preloaded into every function of `npm start`: what listens on a port alone listens on the loopback interface, where
 * Node would take all of them. functions-framework names no host and has no option for one, and nobody but this machine
 * may sweep, collect or send events here.
 */
import { type ListenOptions, Server } from 'node:net';

const listen = Server.prototype.listen as (this: Server, ...args: unknown[]) => Server;

Server.prototype.listen = function (this: Server, ...[where, ...rest]: unknown[]): Server {
  if (typeof where === 'object' && where !== null) return listen.call(this, onLoopback(where), ...rest);
  const isPort = typeof where === 'number' || /^\d+$/.test(String(where));
  const names = typeof rest[0] === 'string';
  return listen.call(this, where, ...(isPort && !names ? ['127.0.0.1'] : []), ...rest);
} as Server['listen'];

/** Neither a host nor a path is named: it would be all interfaces. */
function onLoopback(options: ListenOptions): ListenOptions {
  const { port, host, path } = options;
  return port === undefined || host !== undefined || path !== undefined
    ? options
    : { ...options, host: '127.0.0.1' };
}
