import { type Course, DataError } from "./data.js";
import { textChunks } from "./text-chunks.js";

/** The longest line, in UTF-16 units: a file without line breaks is no list of lines. */
const LONGEST = 2 ** 26;

/** The values of an NDJSON file, one a line; blank lines are passed over. */
export async function* jsonLines(
  file: Blob,
  course: Course,
  share?: (part: number) => number,
): AsyncGenerator<unknown> {
  let number = 0;
  for await (const line of lines(file, course, share)) {
    number++;
    if (line.trim() === "") continue;
    try {
      yield JSON.parse(line);
    } catch (error) {
      throw new DataError(`Line ${number} is not JSON: ${(error as Error).message}.`);
    }
  }
}

/** How many values an NDJSON file has. Nothing is parsed. */
export async function countLines(
  file: Blob,
  course: Course,
  share?: (part: number) => number,
): Promise<number> {
  let count = 0;
  for await (const line of lines(file, course, share)) if (line.trim() !== "") count++;
  return count;
}

async function* lines(file: Blob, course: Course, share?: (part: number) => number): AsyncGenerator<string> {
  let rest = "";
  for await (const chunk of textChunks(file, course, share)) {
    const parts = (rest + chunk).split("\n");
    rest = parts.pop()!;
    if (rest.length > LONGEST) throw new DataError("There is no line break for 64 MiB: this is not NDJSON.");
    yield* parts;
  }
  if (rest !== "") yield rest;
}
