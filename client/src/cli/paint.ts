import { styleText } from 'node:util';

const COLOURS = {
  clean: 'green',
  infected: 'red',
  failed: 'red',
  unscannable: 'yellow',
} as const;

/** Colours the name of a state on a terminal that has colours, unless NO_COLOR is set: https://no-color.org */
export function painted(state: string, text = state): string {
  const colour = Object.hasOwn(COLOURS, state) ? COLOURS[state as keyof typeof COLOURS] : undefined;
  if (colour === undefined || !process.stdout.isTTY || !process.stdout.hasColors()) return text;
  return styleText(colour, text);
}
