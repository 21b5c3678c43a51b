import { listOf } from "@peekpack/core";
import type { Data } from "./data.js";

/** One exposure of a generated survey. */
export interface Frame {
  readonly frame: number;
  readonly taken: Date;
  readonly target: string;
  readonly airmass: number;
  /** Brightness by wavelength. */
  readonly spectrum: Float64Array;
  /** {@link SIDE} rows of as many gray values. */
  readonly pixels: Uint8Array;
}

/** Width and height of an image in pixels. */
export const SIDE = 512;
const CHANNELS = 512;
const STARS = 60;
const STAMP = 9;
/** Size of a frame in the archive: pixels, numbers of 9 bytes, and the rest. */
const FRAME_BYTES: number = SIDE * SIDE + CHANNELS * 9 + 112;

const TARGETS = ["Vega", "Altair", "Deneb", "Capella", "Mizar", "Albireo", "Mira", "Algol"] as const;
const FIRST_NIGHT = Date.UTC(2031, 2, 14, 20, 0, 0);

/** The number of frames for an archive of about `bytes`. */
export function framesFor(bytes: number): number {
  return Math.max(1, Math.round(bytes / FRAME_BYTES));
}

/** Data that are generated while they are written. @param bytes about how large the archive becomes */
export function skySurvey(bytes: number): Data {
  const count = framesFor(bytes);
  return {
    name: "A generated night sky",
    expectedSize: count * FRAME_BYTES,
    async prepare({ unpaused, progress }) {
      async function* frames(): AsyncGenerator<Frame> {
        for (let number = 0; number < count; number++) {
          await unpaused();
          yield frameAt(number);
          progress((number + 1) / count);
        }
      }
      return {
        value: {
          survey: { name: "A generated night sky", frames: count, side: SIDE, channels: CHANNELS },
          frames: listOf(frames(), { count }),
        },
        options: {},
      };
    },
  };
}

/** The frame with a number. It is always the same, so that readers can check it. */
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

// The code below uses only operations that IEEE 754 defines exactly. Engines round exp and pow differently.

/** A smooth continuum with a few lines. */
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

/** A dark sky with noise and stars. Noise is made for four pixels at a time, because it takes most of the time. */
function pixelsOf(number: number, random: () => number): Uint8Array {
  const words = new Uint32Array((SIDE * SIDE) / 4);
  let state = Math.imul(number + 1, 0x9e3779b1) >>> 0;
  for (let at = 0; at < words.length; at++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    // The low bits of the sequence repeat soon, and would appear as stripes.
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

/** Pseudorandom numbers from 0 to 1 (mulberry32, public domain). */
function randomNumbers(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
