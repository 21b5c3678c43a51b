import { seeded } from "@peekpack/testing/contracts/range-source";
import { expect, it } from "vitest";
import { scanMsgpack } from "../src/codec/msgpack-scan.js";
import {
  DEFAULT_LIMITS,
  decodeHeader,
  encodeArchive,
  HEADER_SIZE,
  isPeekpackError,
  type Limits,
  type Value,
} from "../src/index.js";

/** What a scan finds: its result, or where and how it failed. */
function found(bytes: Uint8Array, limits: Limits): unknown {
  try {
    return scanMsgpack(bytes, 1, limits);
  } catch (error) {
    if (!isPeekpackError(error)) throw error;
    return [error.code, error.offset, error.message];
  }
}

/** A value as an archive holds it. */
function packed(value: Value): Uint8Array {
  const archive = encodeArchive(value);
  return archive.subarray(HEADER_SIZE, HEADER_SIZE + decodeHeader(archive).tocStart);
}

it("records in a list are scanned alike by the quick way and by the general one", () => {
  const record = (id: number): Value => ({
    id,
    name: `item-${id}`,
    value: id / 7,
    ok: id % 2 === 0,
    none: null,
  });
  // One change makes `__proto__` of a key, which is odd.
  const list = packed(Array.from({ length: 40 }, (_, id) => record(id)));
  // A shorter key than this may have makes the scan go the general way only.
  const general = { ...DEFAULT_LIMITS, maxKeyBytes: 30 };
  const random = seeded(11);
  let failed = 0;
  let odd = 0;
  for (let round = 0; round < 30_000; round++) {
    const bytes = Uint8Array.from(list);
    for (let changes = 1 + Math.floor(random() * 3); changes > 0; changes--) {
      bytes[Math.floor(random() * bytes.length)] = Math.floor(random() * 256);
    }
    const cut = random() < 0.1 ? bytes.subarray(0, Math.floor(random() * bytes.length)) : bytes;
    const slow = found(cut, general);
    if (Array.isArray(slow) && slow[0] === "limit") continue;
    if (Array.isArray(slow)) failed++;
    else if (slow !== 0) odd++;
    expect(found(cut, DEFAULT_LIMITS)).toEqual(slow);
  }
  expect(failed).toBeGreaterThan(1000);
  expect(odd).toBeGreaterThan(20);
});

it("records count as items, and as a level", () => {
  const list = packed(Array.from({ length: 1000 }, (_, id) => ({ id })));
  const limits = (more: Partial<Limits>): Limits => ({ ...DEFAULT_LIMITS, ...more });
  expect(found(list, limits({ maxItems: 3001 }))).toBe(0);
  expect(found(list, limits({ maxItems: 3000 }))).toEqual(["limit", expect.anything(), expect.anything()]);
  expect(found(list, limits({ maxDepth: 2 }))).toBe(0);
  expect(found(list, limits({ maxDepth: 1 }))).toEqual(["limit", expect.anything(), expect.anything()]);
});
