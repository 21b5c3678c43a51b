import { LazyList, LazyMap, type Value } from "@peekpack/core";
import { type JsonOptions, jsonText } from "@peekpack/core/tagged";

/** The longest text that is copied. */
const MAX_CHARACTERS = 32 * 1024 * 1024;

/** A whole value as text. */
export interface CopiedText {
  readonly text: string;
  /** What the text is, to follow "The value was copied". */
  readonly as: string;
}

/**
 * A whole value as text: a text as it is, else JSON. If JSON lacks something in it, all of it is in the tagged notation,
 * which loses nothing.
 * @returns undefined if the text would be too long for the clipboard
 */
export async function copiedText(
  value: LazyMap | LazyList | Value,
  signal?: AbortSignal,
): Promise<CopiedText | undefined> {
  const plain =
    value instanceof LazyMap || value instanceof LazyList ? await value.toValue({ signal }) : value;
  if (typeof plain === "string") return plain.length > MAX_CHARACTERS ? undefined : { text: plain, as: "" };
  let lost = false;
  const onLoss = (): void => {
    lost = true;
  };
  const json = await wholeText(plain as Value, { indent: 2, onLoss });
  if (json === undefined) return undefined;
  if (!lost) return { text: json, as: " as JSON" };
  const tagged = await wholeText(plain as Value, { indent: 2, tagged: true });
  return tagged === undefined
    ? undefined
    : { text: tagged, as: " in the tagged notation: JSON lacks some of it" };
}

function wholeText(value: Value, options: JsonOptions): Promise<string | undefined> {
  return collectedText(jsonText(value, options));
}

/** All parts of a text. Undefined if it would be too long for the clipboard. */
export async function collectedText(parts: AsyncIterable<string>): Promise<string | undefined> {
  let text = "";
  for await (const part of parts) {
    text += part;
    if (text.length > MAX_CHARACTERS) return undefined;
  }
  return text;
}
