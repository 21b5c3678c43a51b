import {
  interpolateCividis,
  interpolateGreys,
  interpolateMagma,
  interpolateRdBu,
  interpolateTurbo,
  interpolateViridis,
} from "d3-scale-chromatic";

const MAPS = {
  viridis: interpolateViridis,
  cividis: interpolateCividis,
  magma: interpolateMagma,
  turbo: interpolateTurbo,
  // Black to white, and blue to red: from small to large, as the others.
  grays: (share: number) => interpolateGreys(1 - share),
  bluered: (share: number) => interpolateRdBu(1 - share),
} as const;

export type ColorMapName = keyof typeof MAPS;

export const COLOR_MAPS: readonly ColorMapName[] = Object.keys(MAPS) as ColorMapName[];

/** Colors of a map, three bytes each. */
export const COLORS = 256;

/** The colors of a map, from the smallest to the largest value: red, green and blue of each. */
export function colorMap(name: ColorMapName): Uint8ClampedArray {
  const colors = new Uint8ClampedArray(COLORS * 3);
  for (let i = 0; i < COLORS; i++) {
    const text = MAPS[name](i / (COLORS - 1));
    const parts = text.startsWith("#")
      ? [1, 3, 5].map((at) => Number.parseInt(text.slice(at, at + 2), 16))
      : text.match(/\d+/g)!.map(Number);
    colors.set(parts.slice(0, 3), i * 3);
  }
  return colors;
}
