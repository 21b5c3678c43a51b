import { NdArray } from "@peekpack/core";
import { describe, expect, test } from "vitest";
import { envelope, ticks } from "../src/numbers/axis.js";
import { histogram } from "../src/numbers/histogram.js";
import { seriesOf } from "../src/numbers/series.js";
import { atOnce } from "../src/numbers/steps.js";
import { summarise } from "../src/numbers/summary.js";
import { colorScaleOf, fixedDimensions, gridAt, tensorOf } from "../src/numbers/tensor.js";

describe("columns of numbers", () => {
  const columns = (value: Parameters<typeof seriesOf>[0]): [string, number[]][] =>
    seriesOf(value).map(({ name, values }) => [name, [...values]]);

  test("are found in lists, in rows, in maps and in arrays", () => {
    expect(columns([1, 2n, 3.5])).toEqual([["", [1, 2, 3.5]]]);
    expect(
      columns([
        [1, 2],
        [3, 4],
      ]),
    ).toEqual([
      ["0", [1, 3]],
      ["1", [2, 4]],
    ]);
    expect(
      columns([
        { a: 1, name: "x" },
        { a: null, name: "y" },
      ]),
    ).toEqual([["a", [1, Number.NaN]]]);
    expect(columns(new NdArray(Int32Array.of(1, 2, 3, 4), [2, 2]))).toEqual([
      ["0", [1, 3]],
      ["1", [2, 4]],
    ]);
  });

  test("are not found in other values", () => {
    for (const value of ["text", 7, [1, "x"], [[1], [1, 2]], [{ a: "x" }, { a: "y" }], [], [1]]) {
      expect(seriesOf(value)).toEqual([]);
    }
  });
});

describe("an image of numbers", () => {
  test("is found in lists and in arrays of two dimensions, with NaN for null", () => {
    const rows: (number | null)[][] = Array.from({ length: 5 }, (_, row) =>
      Array.from({ length: 20 }, (_, column) => row * 100 + column),
    );
    rows[1]![2] = null;
    const grid = gridAt(tensorOf(rows)!, [], false);
    expect(grid).toMatchObject({ rows: 5, columns: 20, channels: 1 });
    expect([grid.at(3, 7), grid.at(1, 2)]).toEqual([307, Number.NaN]);
    for (const value of [[1, 2], [[1, 2], [3]], [["x"]], [], "text"]) expect(tensorOf(value)).toBeUndefined();
  });

  test("is chosen by an index of each further dimension", () => {
    const tensor = tensorOf(
      new NdArray(
        Int16Array.from({ length: 24 }, (_, i) => i),
        [2, 3, 2, 2],
      ),
    )!;
    expect(fixedDimensions(tensor, false)).toBe(2);
    expect(gridAt(tensor, [1, 2], false).at(1, 0)).toBe(22);
  });

  test("is in color if the last of three dimensions holds bytes or fractions of 3 or 4 channels", () => {
    const colors = (values: number[]): number | undefined => atOnce(colorScaleOf(tensorOf([[values]])!));
    expect(colors([0, 128, 255])).toBe(255);
    expect(colors([0, 0.5, 1, 1])).toBe(1);
    expect(colors([0, 0.5, 2])).toBeUndefined();
    expect(colors([0, 1])).toBeUndefined();
    expect(atOnce(colorScaleOf(tensorOf([[1, 2, 3]])!))).toBeUndefined();
    expect(
      gridAt(
        tensorOf([
          [
            [1, 2, 3],
            [4, 5, 6],
          ],
        ])!,
        [],
        true,
      ).at(0, 1, 2),
    ).toBe(6);
  });
});

test("a summary counts numbers that are not finite, and ignores them otherwise", () => {
  const { count, missing, least, greatest, mean, median, deviation } = summarise(
    Float64Array.of(4, Number.NaN, 2, Number.POSITIVE_INFINITY, 6, 8),
  );
  expect({ count, missing, least, greatest, mean, median }).toEqual({
    count: 4,
    missing: 2,
    least: 2,
    greatest: 8,
    mean: 5,
    median: 5,
  });
  expect(deviation).toBeCloseTo(Math.sqrt(5), 12);
});

test("a histogram counts every finite number once, also the maximum, and equal numbers", () => {
  const sum = (counts: Uint32Array): number => counts.reduce((all, count) => all + count, 0);
  expect([...histogram(Float64Array.of(0, 1, 2, 3, 4, Number.NaN), 4).counts]).toEqual([1, 1, 1, 2]);
  expect(sum(histogram(Float64Array.of(5, 5, 5), 10).counts)).toBe(3);
  expect(histogram(new Float64Array(), 4).counts.length).toBe(0);
});

test("ticks are round and within the axis", () => {
  expect(ticks(0, 1, 5)).toEqual([0, 0.2, 0.4, 0.6, 0.8, 1]);
  expect(ticks(-112, -20, 5)).toEqual([-100, -80, -60, -40, -20]);
  expect(ticks(0, 0, 5)).toEqual([]);
});

test("an envelope keeps a peak that is narrower than a pixel", () => {
  const values = new Float64Array(10_000);
  values[7777] = 9;
  const bounds = envelope([{ from: 0, values }], 0, values.length, 100);
  expect(Math.max(...bounds)).toBe(9);
  expect(bounds[77 * 2 + 1]).toBe(9);
});
