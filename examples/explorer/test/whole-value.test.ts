import { bytesSource, encodeArchive, LazyList, openArchive, type Value } from "@peekpack/core";
import { expect, test } from "vitest";
import { wholeValue } from "../src/archive/whole-value.js";

const rows = (count: number): number[][] =>
  Array.from({ length: count }, (_, row) => Array.from({ length: 1000 }, (_, i) => row + i / 8));
/** Lists of about five megabytes, and a short one. */
const values: Record<string, Value> = {
  "rows of numbers": rows(600),
  "numbers in blocks": rows(600).flat(),
  "short rows": Array.from({ length: 60_000 }, (_, i) => [i, "x".repeat(90)]),
  "an item longer than a piece": [rows(3), rows(550), "text", { a: rows(20) }, []],
  "a short list": [1, 2, 3],
};

async function listOf(name: string): Promise<LazyList> {
  const archive = await openArchive(bytesSource(encodeArchive({ [name]: values[name] })));
  const list = await archive.get([name]);
  return list as LazyList;
}

for (const name of Object.keys(values)) {
  test(`a list that is read in pieces is the same as read at once: ${name}`, async () => {
    expect(await wholeValue(await listOf(name), {})).toEqual(values[name]);
  });
}

test("reading a list in pieces ends when it is aborted", async () => {
  const list = await listOf("rows of numbers");
  expect(list).toBeInstanceOf(LazyList);
  const controller = new AbortController();
  const reading = wholeValue(list, { signal: controller.signal });
  controller.abort(new Error("Stopped"));
  await expect(reading).rejects.toThrow("Stopped");
});
