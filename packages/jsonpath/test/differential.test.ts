import { encodeArchive, openArchive, type RangeSource, type Value } from "@peekpack/core";
import { query as reference } from "json-p3";
import { expect, it } from "vitest";
import { query } from "../src/index.js";

/*
 * Random queries over random documents, compared with what the library that parses the queries finds in them. Not compared is
 * where it is wrong: numbers such as 0.5, and match() and search() of a list of one text.
 */

/** A generator of random numbers from 0 to 1 (mulberry32). */
function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

const NAMES = ["a", "b", "c", "é", "'"];

function makers(random: () => number) {
  const below = (n: number): number => Math.floor(random() * n);
  const pick = <T>(items: readonly T[]): T => items[below(items.length)]!;
  const scalar = (): Value =>
    pick<() => Value>([
      () => below(5),
      () => 1 + random() * 4,
      () => pick(["x", "yy", ""]),
      () => null,
      () => true,
    ])();
  const document = (depth: number): Value => {
    if (depth === 0 || random() < 0.2) return scalar();
    if (random() < 0.5) return Array.from({ length: below(6) }, () => document(depth - 1));
    return Object.fromEntries(Array.from({ length: below(5) }, () => [pick(NAMES), document(depth - 1)]));
  };
  const name = (): string => `[${JSON.stringify(pick(NAMES))}]`;
  const singular = (): string => (random() < 0.6 ? name() : `[${below(6) - 3}]`);
  const path = (): string =>
    `${pick(["@", "@", "@", "$"])}${Array.from({ length: below(3) }, singular).join("")}`;
  const operand = (): string =>
    pick<() => string>([
      path,
      path,
      () => JSON.stringify(scalar()),
      () => `length(${path()})`,
      () => `count(${path()}${pick(["..*", ".*", "[0,1]"])})`,
      () => `value(${path()}${pick(["..a", ".*", "[0]"])})`,
    ])();
  const test = (depth: number): string => {
    if (depth > 0 && random() < 0.4) {
      return pick<() => string>([
        () => `${test(depth - 1)} && ${test(depth - 1)}`,
        () => `(${test(depth - 1)} || ${test(depth - 1)})`,
        () => `!(${test(depth - 1)})`,
      ])();
    }
    return pick<() => string>([
      () => `${operand()} ${pick(["==", "!=", "<", "<=", ">", ">="])} ${operand()}`,
      () => `${path()}${pick(["", ".*", "..a", "[?@.b]"])}`,
    ])();
  };
  const selector = (): string =>
    pick<() => string>([
      () => "*",
      () => JSON.stringify(pick(NAMES)),
      () => String(below(8) - 4),
      () => `${pick(["", below(6) - 3])}:${pick(["", below(6) - 3])}:${pick(["", 1, 2, -1, -2])}`,
      () => `?${test(2)}`,
      () => `?${test(2)}`,
    ])();
  const segment = (): string =>
    `${random() < 0.25 ? ".." : ""}[${Array.from({ length: 1 + below(2) }, selector).join(",")}]`;
  return { document, queryText: () => `$${Array.from({ length: 1 + below(3) }, segment).join("")}`, below };
}

function remote(bytes: Uint8Array): RangeSource {
  return {
    label: "remote",
    async probe({ head, tail }) {
      return {
        size: bytes.length,
        head: bytes.slice(0, head),
        tail: bytes.slice(Math.max(0, bytes.length - tail)),
      };
    },
    async read(ranges) {
      return ranges.map(({ start, end }) => bytes.slice(start, end));
    },
  };
}

const LAYOUTS = [
  { smallObjectThreshold: 1, trivialSize: 0 },
  { smallObjectThreshold: 100 },
  { smallObjectThreshold: 1, trivialSize: 0, pageIndex: true, codec: "cbor" },
] as const;

it.each([1, 2, 3, 4])(
  "finds what the library finds (seed %i)",
  async (seed) => {
    const { document, queryText } = makers(randomNumbers(seed));
    let results = 0;
    for (let round = 0; round < 4; round++) {
      // Long enough that the table has large nodes, and reads need pages of it.
      const value = { a: Array.from({ length: 150 }, () => document(3)), b: document(3), c: 1 };
      for (const layout of LAYOUTS) {
        const archive = await openArchive(remote(encodeArchive(value, layout)), { tailBytes: 1024 });
        for (let i = 0; i < 6; i++) {
          const text = queryText();
          const found = await query(archive, text).toArray();
          const { nodes } = reference(text, value as never);
          expect([text, found.map(({ path }) => path)]).toEqual([
            text,
            nodes.map((node) => node.getPath({ form: "canonical" })),
          ]);
          expect([text, found.map((one) => one.value)]).toEqual([text, nodes.map((node) => node.value)]);
          results += found.length;
        }
        await archive.close();
      }
    }
    console.log(`${results} results compared`);
    expect(results).toBeGreaterThan(100);
  },
  180_000,
);
