/** Characters of a header that is read; beyond them no client means anything, and Node lets 16 KiB through. */
export const MAX_FIELD_LENGTH = 4096;

/**
 * The members of a list (RFC 9110 section 5.6.1) in one pass, so that no header costs more than its length. Empty
 * members are left out; a comma between quotation marks separates none.
 * @param escapes whether a backslash hides a quotation mark, as in a quoted string but not in an entity tag
 */
export function membersOf(list: string, { escapes }: { readonly escapes: boolean }): string[] {
  const members: string[] = [];
  let start = 0;
  let quoted = false;
  for (let at = 0; at < list.length; at++) {
    const character = list[at];
    if (character === '"') quoted = !quoted;
    else if (character === '\\' && quoted && escapes) at++;
    else if (character === ',' && !quoted) {
      members.push(list.slice(start, at));
      start = at + 1;
    }
  }
  members.push(list.slice(start));
  return members.map((member) => member.trim()).filter((member) => member !== '');
}
