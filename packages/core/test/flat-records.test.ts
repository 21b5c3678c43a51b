import { seeded } from "@peekpack/testing/contracts/range-source";
import { expect, it } from "vitest";
import { msgpackDecoder } from "../src/codec/msgpack.js";
import {
  DEFAULT_LIMITS,
  decodeHeader,
  encodeArchive,
  HEADER_SIZE,
  isPeekpackError,
  type Limits,
  type Value,
} from "../src/index.js";

const decoder = msgpackDecoder();

/** The code and offset of the error that an action throws. */
function outcome(action: () => unknown): readonly unknown[] {
  try {
    action();
  } catch (error) {
    if (!isPeekpackError(error)) throw error;
    return [error.code, error.offset, error.message];
  }
  return ["no error"];
}

const check = (bytes: Uint8Array, limits: Limits): readonly unknown[] =>
  outcome(() => decoder.check(bytes, limits));

const decode = (bytes: Uint8Array, limits: Limits): readonly unknown[] =>
  outcome(() => decoder.decode(bytes, 1, { maps: "object", limits }));

/** A value as an archive holds it. */
function packed(value: Value): Uint8Array {
  const archive = encodeArchive(value);
  return archive.subarray(HEADER_SIZE, HEADER_SIZE + decodeHeader(archive).tocStart);
}

it("gives damaged records the same error in the fast loop, the general one and the decoder", () => {
  const record = (id: number): Value => ({
    id,
    name: `item-${id}`,
    value: id / 7,
    ok: id % 2 === 0,
    none: null,
  });
  const list = packed(Array.from({ length: 40 }, (_, id) => record(id)));
  // A limit below the longest short key turns the fast loop off.
  const general = { ...DEFAULT_LIMITS, maxKeyBytes: 30 };
  const random = seeded(11);
  let failed = 0;
  let whole = 0;
  for (let round = 0; round < 30_000; round++) {
    const bytes = Uint8Array.from(list);
    for (let changes = 1 + Math.floor(random() * 3); changes > 0; changes--) {
      bytes[Math.floor(random() * bytes.length)] = Math.floor(random() * 256);
    }
    const cut = random() < 0.1 ? bytes.subarray(0, Math.floor(random() * bytes.length)) : bytes;
    const slow = check(cut, general);
    if (slow[0] === "limit") continue;
    expect(check(cut, DEFAULT_LIMITS)).toEqual(slow);
    const [code] = decode(cut, DEFAULT_LIMITS);
    if (slow[0] === "no error") {
      whole++;
      // A check does not look into extensions: a timestamp may have too many nanoseconds.
      expect(["no error", "corrupt"]).toContain(code);
    } else {
      failed++;
      expect(["truncated", slow[0]]).toContain(code);
    }
  }
  expect(failed).toBeGreaterThan(1000);
  expect(whole).toBeGreaterThan(1000);
});

it("counts records as items and as a level", () => {
  const list = packed(Array.from({ length: 1000 }, (_, id) => ({ id })));
  const limits = (more: Partial<Limits>): Limits => ({ ...DEFAULT_LIMITS, ...more });
  for (const run of [check, decode]) {
    expect(run(list, limits({ maxItems: 3001 }))).toEqual(["no error"]);
    expect(run(list, limits({ maxItems: 3000 }))[0]).toBe("limit");
    expect(run(list, limits({ maxDepth: 2 }))).toEqual(["no error"]);
    expect(run(list, limits({ maxDepth: 1 }))[0]).toBe("limit");
  }
});

it("keeps the order of a map's keys when one of them is not a text", () => {
  const entries = (...bytes: number[]): unknown[] => {
    const { values } = decoder.decode(Uint8Array.from(bytes), 1, { maps: "object", limits: DEFAULT_LIMITS });
    return [...(values[0] as Map<unknown, unknown>)].flat();
  };
  expect(entries(0x83, 0xa1, 0x62, 1, 0xa1, 0x32, 2, 5, 3)).toEqual(["b", 1, "2", 2, 5, 3]);
  expect(entries(0x84, 0xa1, 0x62, 1, 0xa1, 0x32, 2, 0xa1, 0x62, 9, 5, 3)).toEqual(["b", 9, "2", 2, 5, 3]);
});

it("rejects nested counts that together exceed the bytes", () => {
  // Each list announces as many items as there are bytes left.
  const bytes = new Uint8Array(3 * 1000);
  for (let at = 0; at < bytes.length; at += 3) {
    bytes.set([0xdc, (bytes.length - at - 3) >> 8, bytes.length - at - 3], at);
  }
  expect(decode(bytes, DEFAULT_LIMITS)[0]).toBe("truncated");
});

it("reads texts of every length, in ASCII and not, also where they are sparse", () => {
  const texts = Array.from({ length: 600 }, (_, length) => [
    "x".repeat(length),
    "é".repeat(length),
    length / 3,
  ]);
  const sparse = Array.from({ length: 300 }, (_, i) => [
    `text number ${i}`,
    Array.from({ length: i % 7 }, Math.sqrt),
  ]);
  for (const value of [texts, sparse]) {
    const { values } = decoder.decode(packed(value), 1, { maps: "object", limits: DEFAULT_LIMITS });
    expect(values[0]).toEqual(value);
  }
});
