import { describe, expect, test } from "vitest";
import { type Address, publicAddress } from "../src/archive/address.js";
import { readLink, writeLink } from "../src/share/link.js";

const PLACES: readonly Address[] = [
  { kind: "url", url: "https://example.org/a%20b/data.msglc" },
  { kind: "url", url: "https://user:hunter2@example.org/data.msglc?X-Amz-Signature=hunter2#hunter2" },
  {
    kind: "s3",
    endpoint: "http://user:hunter2@127.0.0.1:9000/",
    region: "eu-west-1",
    path: "bucket/key with & = ? # %.msglc",
    credentials: { accessKeyId: "hunter2", secretAccessKey: "hunter2", sessionToken: "hunter2" },
  },
  { kind: "s3", endpoint: undefined, region: undefined, path: "bucket/key", credentials: undefined },
  { kind: "file", file: { name: "measured & kept.msglc" } as File },
  { kind: "demo" },
];

describe("a link", () => {
  test.each(PLACES)("names its address and holds nothing secret: $kind", (address) => {
    const link = { address: publicAddress(address), path: 'entries/"a/b"/0', pattern: "entries/*/energy" };
    const text = writeLink(link);
    expect(text).not.toMatch(/hunter2/i);
    expect(text).not.toMatch(/Signature/i);
    expect(readLink(text)).toEqual(link);
  });

  test("of a presigned URL says that its query was removed", () => {
    expect(publicAddress(PLACES[1]!)).toEqual({
      kind: "url",
      url: "https://example.org/data.msglc",
      cut: true,
    });
  });

  test("that was pasted with a query loses the query", () => {
    const read = readLink(`#url=${encodeURIComponent("https://example.org/x?X-Amz-Signature=hunter2")}`);
    expect(read?.address).toEqual({ kind: "url", url: "https://example.org/x", cut: true });
  });

  test.each([
    "",
    "#",
    "#url=javascript:alert(1)",
    "#url=file:///etc/passwd",
    "#s3=b/k&endpoint=ftp://x",
    "#path=a",
  ])("that names no archive gives none: %s", (text) => {
    expect(readLink(text)).toBeUndefined();
  });
});
