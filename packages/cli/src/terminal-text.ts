/** Characters that terminals obey, besides C0 controls: DEL, C1 controls, and overrides of the text direction. */
const UNSAFE = /[\u007f-\u009f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

/** Replaces characters that terminals obey by their escapes in JSON. C0 controls stay: colors and lines need them. */
export function escapeForTerminal(text: string): string {
  return text.replace(UNSAFE, escaped);
}

/** As {@link escapeForTerminal}, and C0 controls too. */
export function escapeControls(text: string): string {
  return escapeForTerminal(text.replace(/\p{Cc}/gu, escaped));
}

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}
