import { listOf } from "@peekpack/core";
import type { Data } from "./data.js";

/** One exposure of a survey that never was. */
export interface Frame {
  readonly frame: number;
  readonly taken: Date;
  readonly target: string;
  readonly airmass: number;
  /** Brightness by wavelength. */
  readonly spectrum: Float64Array;
  /** {@link SIDE} rows of as many grey values. */
  readonly pixels: Uint8Array;
}

/** Pixels of an image's side. */
export const SIDE = 512;
const CHANNELS = 512;
const STARS = 60;
const STAMP = 9;
/** What a frame takes in the archive: pixels, numbers of 9 bytes, and about so much for the rest. */
const FRAME_BYTES: number = SIDE * SIDE + CHANNELS * 9 + 112;

const TARGETS = ["Vega", "Altair", "Deneb", "Capella", "Mizar", "Albireo", "Mira", "Algol"] as const;
const FIRST_NIGHT = Date.UTC(2031, 2, 14, 20, 0, 0);

/** How many frames make about so many bytes. */
export function framesFor(bytes: number): number {
  return Math.max(1, Math.round(bytes / FRAME_BYTES));
}

/** Data that are made up as they are written, and take about so many bytes. */
export function skySurvey(bytes: number): Data {
  const count = framesFor(bytes);
  return {
    name: "A made-up night sky",
    expectedSize: count * FRAME_BYTES,
    async prepare({ go, made }) {
      async function* frames(): AsyncGenerator<Frame> {
        for (let number = 0; number < count; number++) {
          await go();
          yield frameAt(number);
          made((number + 1) / count);
        }
      }
      return {
        value: {
          survey: { name: "A made-up night sky", frames: count, side: SIDE, channels: CHANNELS },
          frames: listOf(frames(), { count }),
        },
        options: {},
      };
    },
  };
}

/** The frame of a number: always the same, so that whoever reads it can tell whether it is right. */
export function frameAt(number: number): Frame {
  const random = randomNumbers(number);
  const target = TARGETS[number % TARGETS.length]!;
  return {
    frame: number,
    taken: new Date(FIRST_NIGHT + number * 90_000),
    target,
    airmass: 1 + Math.round(random() * 1000) / 1000,
    spectrum: spectrumOf(random),
    pixels: pixelsOf(number, random),
  };
}

// Only what IEEE 754 defines to the last bit is used below: engines differ in how they round exp and pow.

/** A smooth continuum with a few lines in it. */
function spectrumOf(random: () => number): Float64Array {
  const spectrum = new Float64Array(CHANNELS);
  const peak = 0.25 + random() * 0.5;
  const lines = Array.from({ length: 7 }, () => ({
    at: random() * CHANNELS,
    width: 1.5 + random() * 5,
    depth: random() * 0.5 - 0.12,
  }));
  for (let channel = 0; channel < CHANNELS; channel++) {
    const x = channel / CHANNELS - peak;
    let value = 1 / (1 + 3 * x * x) + (random() - 0.5) * 0.02;
    for (const { at, width, depth } of lines) {
      const off = (channel - at) / width;
      value -= depth / (1 + off * off);
    }
    spectrum[channel] = value;
  }
  return spectrum;
}

/** A dark sky with noise in it, and stars. Four pixels at a time: this is what takes the time. */
function pixelsOf(number: number, random: () => number): Uint8Array {
  const words = new Uint32Array((SIDE * SIDE) / 4);
  let state = Math.imul(number + 1, 0x9e3779b1) >>> 0;
  for (let at = 0; at < words.length; at++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    // The low bits of such a sequence repeat soon, and would show as stripes.
    words[at] = ((state ^ (state >>> 15)) & 0x1f1f1f1f) + 0x06060606;
  }
  const pixels = new Uint8Array(words.buffer);
  for (let star = 0; star < STARS; star++) {
    const left = Math.floor(random() * (SIDE - STAMP));
    const top = Math.floor(random() * (SIDE - STAMP));
    const luck = random() * random();
    const flux = 30 + 900 * luck * luck;
    for (let y = 0; y < STAMP; y++) {
      for (let x = 0; x < STAMP; x++) {
        const [dx, dy] = [x - (STAMP - 1) / 2, y - (STAMP - 1) / 2];
        const spread = 1 + (dx * dx + dy * dy) / 3;
        const at = (top + y) * SIDE + left + x;
        pixels[at] = Math.min(255, pixels[at]! + flux / (spread * spread * spread));
      }
    }
  }
  return pixels;
}

/** Numbers from 0 to 1 that only look random (mulberry32, public domain). */
function randomNumbers(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
