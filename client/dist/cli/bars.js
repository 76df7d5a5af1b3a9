import { MultiBar, Presets } from 'cli-progress';
import { bytes, harmless } from './context.js';
/** Characters that the name of a file gets beside its bar. */
const NAME_WIDTH = 24;
const NONE = { add: () => ({ update: () => undefined, note: () => undefined }), stop: () => undefined };
/** A bar a file on stderr where that is a terminal, else nothing. */
export function createBars(shown) {
    if (!shown || !process.stderr.isTTY)
        return NONE;
    const bars = new MultiBar({
        stream: process.stderr,
        format: '{name} {bar} {percentage}% {done}/{all} {note}',
        hideCursor: true,
        clearOnComplete: false,
        stopOnComplete: false,
        autopadding: true,
        gracefulExit: false,
        emptyOnZero: true,
    }, Presets.shades_classic);
    return {
        add: (name, size) => createBar(bars, shortened(harmless(name)), size),
        stop: () => bars.stop(),
    };
}
function createBar(bars, name, size) {
    const payload = (done, all) => ({
        done: bytes(done),
        all: all === undefined ? '?' : bytes(all),
    });
    const bar = bars.create(size ?? 0, 0, { name, note: '', ...payload(0, size) });
    const began = Date.now();
    let first;
    return {
        update(done, all) {
            first ??= done;
            const rate = ((done - first) / Math.max(1, Date.now() - began)) * 1000;
            if (all !== undefined)
                bar.setTotal(all);
            bar.update(done, { ...payload(done, all), note: rate > 0 ? `${bytes(Math.round(rate))}/s` : '' });
        },
        note: (text) => bar.update({ note: text }),
    };
}
function shortened(name) {
    return name.length > NAME_WIDTH ? `${name.slice(0, NAME_WIDTH - 1)}…` : name.padEnd(NAME_WIDTH);
}
