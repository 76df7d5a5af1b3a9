import { StructureCheck, stricter } from '../../functions/scanner/structure/structure.ts';
import type { Clamd } from '../../shared/scanning/clamd.ts';
import type { Verdict } from '../../shared/scanning/verdict.ts';

/** The word of the scanner function on a file: ClamAV's verdict, and that of the check of its structure. */
export async function verdictOn(scanner: Clamd, content: Buffer): Promise<Verdict> {
  const check = new StructureCheck();
  await check.update(content);
  const pieces = (async function* () {
    yield content;
  })();
  return stricter(await scanner.scan(pieces, { size: content.length }), check);
}
