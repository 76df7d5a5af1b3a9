import { backoffMs, sleep } from './backoff.js';
import { FileshareConnectionError, FileshareProblem, problemOf } from './errors.js';
import { Idle } from './idle.js';
import { send } from './send.js';
const PASSING = new Set([408, 429, 500, 502, 503, 504]);
/** Requests to the service: with its token, again after what passes, and with every refusal as an error. */
export class Http {
    options;
    constructor(options) {
        this.options = options;
    }
    /** The absolute URL of a path of the service. */
    url(path) {
        return path.startsWith('/') ? this.options.url.replace(/\/+$/, '') + path : path;
    }
    /**
     * @param target a path of the service, or an absolute URL, which is sent no token
     * @throws {FileshareProblem}, {FileshareConnectionError}, the reason of `signal`
     */
    async call(method, target, call = {}) {
        for (let attempt = 0;; attempt++) {
            try {
                return await this.#attempt(method, target, call);
            }
            catch (error) {
                call.signal?.throwIfAborted();
                if (call.once || attempt >= this.options.retries || !isPassing(error))
                    throw error;
                await sleep(pauseMs(error, attempt), call.signal);
            }
        }
    }
    async json(method, path, call = {}) {
        const response = await this.call(method, path, call);
        return (await response.json());
    }
    async #attempt(method, target, call) {
        const { body, onSent, accept = [], patienceMs = 0 } = call;
        const own = target.startsWith('/');
        const headers = { ...call.headers, ...(own && (await this.#authorization())) };
        const idle = new Idle(this.options.idleMs + patienceMs, call.signal);
        const progress = onSent && progressOf(onSent, idle);
        const sending = { method, headers, body, signal: idle.signal, onSent: progress };
        const response = await send(this.options.fetch, this.url(target), sending)
            .catch((cause) => {
            call.signal?.throwIfAborted();
            throw new FileshareConnectionError(`${method} ${withoutSecrets(this.url(target))}: no answer`, {
                cause,
            });
        })
            .finally(() => idle.end());
        if (response.ok || accept.includes(response.status))
            return response;
        throw await problemOf(response);
    }
    async #authorization() {
        const { token } = this.options;
        const value = typeof token === 'function' ? await token() : token;
        return value ? { authorization: `Bearer ${value.trim()}` } : {};
    }
}
function progressOf(onSent, idle) {
    return (bytes) => {
        idle.reset();
        onSent(bytes);
    };
}
/** The address of an upload session is a secret, in its query. */
function withoutSecrets(url) {
    return url.replace(/\?.*$/, '');
}
/** Whether the same request may succeed a little later. */
export function isPassing(error) {
    if (error instanceof FileshareConnectionError)
        return true;
    if (!(error instanceof FileshareProblem))
        return false;
    return PASSING.has(error.status) || error.code === 'idempotency-in-progress';
}
/** Milliseconds to wait before the next attempt. */
export function pauseMs(error, attempt) {
    const asked = error instanceof FileshareProblem ? (error.retryAfter ?? 0) * 1000 : 0;
    return Math.max(asked, backoffMs(attempt));
}
