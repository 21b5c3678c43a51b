/// <reference path="./iregexp-check.d.ts" />
import { PeekpackError } from "@peekpack/core";
// Its package.json names a script without exports for browsers.
import { check } from "iregexp-check/dist/iregexp-check.esm.js";
import { RE2JS } from "re2js";

/** Longer patterns match nothing: the checker's time and stack depend on the length. */
const MAX_LENGTH = 10_000;

/** Tells whether a text matches. */
export type Matcher = (text: string) => boolean;

/**
 * Makes a matcher of an I-Regexp (RFC 9485). Its time is linear in the text.
 * @param whole whether the whole text must match, or any part of it
 * @returns undefined if the pattern is not an I-Regexp
 * @throws PeekpackError `limit` if the pattern is too large for the matcher
 */
export function matcherOf(pattern: string, whole: boolean): Matcher | undefined {
  if (pattern.length > MAX_LENGTH) throw tooLarge();
  if (!isPattern(pattern)) return undefined;
  let compiled: RE2JS;
  try {
    compiled = RE2JS.compile(withDots(pattern));
  } catch (cause) {
    // A reversed range or repetition is well-formed and has no meaning. Anything else exceeds a bound of the matcher.
    if (/invalid character class range|invalid repeat count: `\{(\d+),(\d+)\}`/.test(String(cause))) {
      const [, low, high] = /\{(\d+),(\d+)\}`/.exec(String(cause)) ?? [];
      if (low === undefined || Number(low) > Number(high)) return undefined;
    }
    throw tooLarge(cause);
  }
  return whole ? (text) => compiled.matches(text) : (text) => compiled.matcher(text).find();
}

function isPattern(pattern: string): boolean {
  try {
    return check(pattern);
  } catch (error) {
    if (error instanceof RangeError) throw tooLarge(error);
    throw error;
  }
}

/** A dot of an I-Regexp matches neither of the two ends of a line. */
function withDots(pattern: string): string {
  return pattern.replace(/\\.|\[(?:\\.|[^\]\\])*\]|\./gsu, (part) => (part === "." ? "[^\\n\\r]" : part));
}

function tooLarge(cause?: unknown): PeekpackError {
  return new PeekpackError("limit", "A pattern of match() or search() is too large.", { cause });
}
