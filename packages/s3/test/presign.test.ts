import { describe, expect, it } from "vitest";
import { s3Store } from "../src/index.js";

const store = s3Store({
  endpoint: "http://127.0.0.1:9",
  credentials: { accessKeyId: "id", secretAccessKey: "secret" },
});

describe("presigning", () => {
  it.each([-1, 0, 1.5, 604_801, Number.NaN, Number.POSITIVE_INFINITY, "3600" as never])(
    "rejects expiresIn %s with RangeError",
    async (expiresIn) => {
      await expect(store.presign("bucket/key", { expiresIn })).rejects.toThrow(RangeError);
    },
  );

  it.each([1, 3600, 604_800])("accepts expiresIn %s", async (expiresIn) => {
    const url = new URL(await store.presign("bucket/key", { expiresIn }));
    expect(url.searchParams.get("X-Amz-Expires")).toBe(String(expiresIn));
  });

  it("rejects an invalid path with TypeError", async () => {
    await expect(store.presign("bucket")).rejects.toThrow(TypeError);
  });
});
