import { describe, expect, test } from "vitest";
import { type Address, publicAddress } from "../src/archive/address.js";
import { type Link, readLink, writeLink } from "../src/share/link.js";
import { SharedView, type ViewState } from "../src/share/view-state.js";

const VIEW: ViewState = {
  tab: "plot",
  x: [-1.5, 2e9],
  y: [0, 1e-300],
  against: "t & u",
  log: true,
  row: 123_456,
  column: "a=b",
  sort: { column: "gap/x", descending: true },
  colors: "viridis",
  colorRange: [-3, 4],
  at: [0, 7, 2],
};

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
  { kind: "demo", name: "simulations" },
  { kind: "demo", name: "forty-gigabytes" },
];

describe("a link", () => {
  test.each(PLACES)("names its address and holds nothing secret: $kind", (address) => {
    const query = { kind: "jsonpath", text: "$.entries[?@.gap > 1.5 && @.a == '&=']" } as const;
    const link: Link = { address: publicAddress(address), path: "/entries/a~1b/0", query, view: VIEW };
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

  test("with a view that makes no sense shows the default", () => {
    const bad =
      "#demo=1&tab=<b>&x=2:1&y=1:2:3&row=-1&at=1,x&range=NaN:2&colors=a%20b&log=yes&row=1e3&order=descending";
    expect(readLink(bad)?.view).toEqual({});
  });

  test("of a view that was changed has the new fields, and none that were removed", () => {
    const shared = new SharedView();
    shared.replace({ tab: "table", row: 4 });
    shared.update({ row: 5, column: "a" });
    shared.update({ column: undefined });
    expect(shared.state).toEqual({ tab: "table", row: 5 });
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
