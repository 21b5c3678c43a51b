/**
 * Characters that cannot be seen, or that change the direction of a line: controls but for the tab, and formats but for the
 * joiners, which emoji and several scripts need.
 */
const HIDDEN =
  /(?!\t)\p{Cc}|[\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/gu;
/** Blanks at either end, and further blanks in a row. */
const BLANKS = /^ +| +$| {2,}/g;
/** Blanks other than the one of the space bar, and the tab. */
const OTHER_BLANKS = /[\t\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]/g;

/** A text as it is shown: what cannot be seen becomes `\u{…}`. For display only. */
export function visible(text: string): string {
  return text.replace(HIDDEN, escaped);
}

/** A key as it is shown: as {@link visible}. Blanks at the ends and repeated ones become `␣`, unusual ones `\u{…}`. */
export function shownKey(text: string): string {
  return visible(text)
    .replace(OTHER_BLANKS, escaped)
    .replace(BLANKS, (blanks) => "␣".repeat(blanks.length));
}

function escaped(character: string): string {
  return `\\u{${character.codePointAt(0)!.toString(16)}}`;
}

/** UTF-16 units around a cut that are divided into characters. What is read as one character is hardly longer. */
const NEAR = 64;

/** The first `length` UTF-16 units of a text, or a few less, so that no emoji or accented letter is split. */
export function beginning(text: string, length: number): string {
  if (text.length <= length) return text;
  const from = Math.max(0, length - NEAR);
  const near = new Intl.Segmenter("und", { granularity: "grapheme" }).segment(
    text.slice(from, length + NEAR),
  );
  const end = from + near.containing(length - from)!.index;
  // A character that is longer than the line is split all the same, so that there is progress.
  return text.slice(0, end > 0 ? end : length);
}
