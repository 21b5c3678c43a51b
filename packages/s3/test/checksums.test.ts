import { createHash } from "node:crypto";
import { crc32 as zlibCrc32 } from "node:zlib";
import { crc32 } from "@peekpack/core/internal";
import { describe, expect, it } from "vitest";
import { combineCrc32, crc32Base64, parseCrc32 } from "../src/crc32.js";
import { multipartEtag, putEtag } from "../src/etag.js";
import { noise } from "./live-servers.js";

describe("CRC32", () => {
  it("of two sequences is combined from theirs, whatever their lengths", () => {
    const bytes = noise(70_000);
    for (const cut of [0, 1, 2, 7, 255, 256, 4096, 65_535, 69_999, 70_000]) {
      const [first, second] = [bytes.subarray(0, cut), bytes.subarray(cut)];
      expect(combineCrc32(crc32(first), crc32(second), second.length)).toBe(crc32(bytes));
    }
  });

  it("combines over lengths beyond 32 bits", () => {
    // The CRC of n zero bytes after a sequence can be computed by doubling.
    const zeros = (n: number): number => {
      if (n === 0) return 0;
      if (n % 2 === 1) return combineCrc32(zeros(n - 1), crc32(new Uint8Array(1)), 1);
      const half = zeros(n / 2);
      return combineCrc32(half, half, n / 2);
    };
    const large = 5 * 2 ** 40 + 12_345;
    const whole = combineCrc32(
      combineCrc32(crc32(noise(9)), zeros(large - 9), large - 9),
      crc32(noise(5)),
      5,
    );
    const other = combineCrc32(
      crc32(noise(9)),
      combineCrc32(zeros(large - 9), crc32(noise(5)), 5),
      large - 4,
    );
    expect(whole).toBe(other);
    expect(zeros(100_000)).toBe(zlibCrc32(new Uint8Array(100_000)));
  });

  it("is written and parsed in S3's form", () => {
    expect(crc32Base64(0xcbf43926)).toBe(Buffer.from("cbf43926", "hex").toString("base64"));
    for (const value of [0, 1, 0xffffffff, 0x80000000, 0xcbf43926])
      expect(parseCrc32(crc32Base64(value))).toBe(value);
    expect(parseCrc32(undefined)).toBeUndefined();
    expect(parseCrc32("not one")).toBeUndefined();
  });
});

describe("ETags", () => {
  it("of a PUT are MD5s", async () => {
    expect(putEtag(noise(1000))).toBe(`"${createHash("md5").update(noise(1000)).digest("hex")}"`);
  });

  it("of a multipart upload are MD5s of the parts' MD5s", async () => {
    const parts = [1, 2, 3].map((number) => ({
      number,
      size: 10,
      etag: `"${createHash("md5").update(noise(10, number)).digest("hex")}"`,
    }));
    const joined = Buffer.concat(
      [1, 2, 3].map((number) => createHash("md5").update(noise(10, number)).digest()),
    );
    expect(multipartEtag(parts)).toBe(`"${createHash("md5").update(joined).digest("hex")}-3"`);
    expect(multipartEtag([{ number: 1, size: 1, etag: '"not an md5"' }])).toBeUndefined();
  });
});
