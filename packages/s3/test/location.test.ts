import { describe, expect, it } from "vitest";
import { encodeKey, fitsUrl, parseLocation, parsePrefix } from "../src/location.js";

describe("locations", () => {
  it("do not decode the key", () => {
    expect(parseLocation("bucket/key")).toEqual({ bucket: "bucket", key: "key" });
    expect(parseLocation("s3://bucket/a/b c%20+?#/ü")).toEqual({ bucket: "bucket", key: "a/b c%20+?#/ü" });
    expect(parseLocation("bucket//key/")).toEqual({ bucket: "bucket", key: "/key/" });
  });

  it("are rejected if they name no object or could reach another host", () => {
    for (const path of [
      "",
      "/",
      "bucket",
      "bucket/",
      "/bucket/key",
      "s3://",
      "s3:///key",
      "a@b/key",
      "a:1/key",
      "a b/k",
    ]) {
      expect(() => parseLocation(path), path).toThrow(TypeError);
    }
  });

  it("of prefixes may be a bucket only", () => {
    expect(parsePrefix("s3://bucket")).toEqual({ bucket: "bucket", prefix: "" });
    expect(parsePrefix("bucket/a/b")).toEqual({ bucket: "bucket", prefix: "a/b" });
  });

  it("encode keys as SigV4 requires", () => {
    expect(encodeKey("a b/ü+!'()*&=;~-_.%")).toBe("a%20b/%C3%BC%2B%21%27%28%29%2A%26%3D%3B~-_.%25");
  });

  it("detect keys that fetch would resolve to other keys", () => {
    for (const key of [".", "..", "a/..", "../b", "a/./b", "a/../b"]) expect(fitsUrl(key), key).toBe(false);
    for (const key of ["a..b", "...", "a/.b", "a./b", ".hidden", "a/..b"])
      expect(fitsUrl(key), key).toBe(true);
  });
});
