import { DataError, type PrepareContext } from "./data.js";
import { textChunks } from "./text-chunks.js";

/** The longest line, in UTF-16 units. A file without line breaks is not NDJSON. */
const MAX_LINE = 2 ** 26;

/** The values of an NDJSON file, one a line. Blank lines are skipped. */
export async function* jsonLines(
  file: Blob,
  context: PrepareContext,
  share?: (part: number) => number,
): AsyncGenerator<unknown> {
  let number = 0;
  for await (const line of lines(file, context, share)) {
    number++;
    if (line.trim() === "") continue;
    try {
      yield JSON.parse(line);
    } catch (error) {
      throw new DataError(`Line ${number} is not JSON: ${(error as Error).message}.`);
    }
  }
}

/** The number of values in an NDJSON file. Nothing is parsed. */
export async function countLines(
  file: Blob,
  context: PrepareContext,
  share?: (part: number) => number,
): Promise<number> {
  let count = 0;
  for await (const line of lines(file, context, share)) if (line.trim() !== "") count++;
  return count;
}

async function* lines(
  file: Blob,
  context: PrepareContext,
  share?: (part: number) => number,
): AsyncGenerator<string> {
  let rest = "";
  for await (const chunk of textChunks(file, context, share)) {
    const parts = (rest + chunk).split("\n");
    rest = parts.pop()!;
    if (rest.length > MAX_LINE) throw new DataError("There is no line break for 64 MiB: this is not NDJSON.");
    yield* parts;
  }
  if (rest !== "") yield rest;
}
