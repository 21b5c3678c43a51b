import { DataError, type PrepareContext } from "./data.js";

const STEP = 2 ** 20;

/** The text of a UTF-8 file, a MiB at a time. Waits while paused, and reports progress. */
export async function* textChunks(
  file: Blob,
  { unpaused, progress, signal }: PrepareContext,
  share: (part: number) => number = (part) => part,
): AsyncGenerator<string> {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  for (let at = 0; at < file.size; at += STEP) {
    await unpaused();
    const end = Math.min(file.size, at + STEP);
    const bytes = await readable(() => file.slice(at, end).arrayBuffer());
    signal.throwIfAborted();
    const text = decoded(() => decoder.decode(bytes, { stream: end < file.size }));
    progress(share(end / file.size));
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
