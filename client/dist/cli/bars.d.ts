export interface Bar {
    /** @param size bytes in all; undefined as long as it is not known */
    update(done: number, size: number | undefined): void;
    /** Says instead of the speed what is going on, or how it ended. */
    note(text: string): void;
}
export interface Bars {
    add(name: string, size: number | undefined): Bar;
    stop(): void;
}
/** A bar a file on stderr where that is a terminal, else nothing. */
export declare function createBars(shown: boolean): Bars;
