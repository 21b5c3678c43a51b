import { describe, expect, it } from "vitest";
import { type Destination, objectName, openDestination, parseLabel } from "../src/destination/destination.js";

const credentials = { accessKeyId: "AKIDEXAMPLE", secretAccessKey: "hush-hush" };

describe("what a spool keeps of its destination", () => {
  const cases: readonly (readonly [Destination, ReturnType<typeof parseLabel>])[] = [
    [
      {
        kind: "signed",
        endpoint: "https://s3.example.org",
        region: "r",
        path: "data/a/k.msglc",
        put: "create",
        credentials,
      },
      { kind: "signed", endpoint: "https://s3.example.org", path: "data/a/k.msglc" },
    ],
    [
      { kind: "signed", endpoint: undefined, region: "r", path: "data/k.msglc", put: "create", credentials },
      { kind: "signed", endpoint: undefined, path: "data/k.msglc" },
    ],
    [
      { kind: "presigned", service: "presign", path: "data/k, signed by me", put: "overwrite" },
      { kind: "presigned", service: "presign", path: "data/k, signed by me" },
    ],
    [
      {
        kind: "presigned",
        service: "https://example.org/sign?token=hush-hush",
        path: "data/k",
        put: "overwrite",
      },
      { kind: "presigned", service: "https://example.org/sign", path: "data/k" },
    ],
  ];

  it.each(cases)("is all but the secrets: %o", (destination, told) => {
    const { target } = openDestination(destination);
    expect(parseLabel(target.label)).toEqual(told);
    expect(target.label).not.toMatch(/hush|AKID/);
    expect(target.put).toBe(destination.put);
  });

  it("names an object, also for labels of other pages", () => {
    expect(objectName("https://s3.example.org/data/a/k.msglc")).toBe("k.msglc");
    expect(objectName("data/k.msglc, signed by https://example.org/sign")).toBe("k.msglc");
    expect(objectName("something else")).toBe("something else");
    expect(parseLabel("something else")).toBeUndefined();
  });
});
