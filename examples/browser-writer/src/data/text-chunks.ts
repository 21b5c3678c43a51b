import { type Course, DataError } from "./data.js";

const STEP = 2 ** 20;

/** A file's text, a MiB at a time, as UTF-8 has it. Waits where the course says so, and tells which share was read. */
export async function* textChunks(
  file: Blob,
  { go, made, signal }: Course,
  share: (part: number) => number = (part) => part,
): AsyncGenerator<string> {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  for (let at = 0; at < file.size; at += STEP) {
    await go();
    const end = Math.min(file.size, at + STEP);
    const bytes = await readable(() => file.slice(at, end).arrayBuffer());
    signal.throwIfAborted();
    const text = decoded(() => decoder.decode(bytes, { stream: end < file.size }));
    made(share(end / file.size));
    if (text !== "") yield text;
  }
}

/** The whole text of a file. */
export async function wholeText(file: Blob): Promise<string> {
  const bytes = await readable(() => file.arrayBuffer());
  return decoded(() => new TextDecoder("utf-8", { fatal: true }).decode(bytes));
}

async function readable<T>(read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch {
    throw new DataError("The file cannot be read: was it moved or changed since it was chosen?");
  }
}

function decoded(decode: () => string): string {
  try {
    return decode();
  } catch {
    throw new DataError("The file is not text in UTF-8.");
  }
}
