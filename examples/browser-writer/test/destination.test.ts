import { describe, expect, it } from "vitest";
import { type Destination, objectName, openDestination, recall } from "../src/destination/destination.js";

const credentials = { accessKeyId: "AKIDEXAMPLE", secretAccessKey: "hush-hush" };

describe("what a spool keeps of its destination", () => {
  const cases: readonly (readonly [Destination, ReturnType<typeof recall>])[] = [
    [
      {
        kind: "signed",
        endpoint: "https://s3.example.org",
        region: "r",
        path: "data/a/k.msgl",
        put: "create",
        credentials,
      },
      { kind: "signed", endpoint: "https://s3.example.org", path: "data/a/k.msgl" },
    ],
    [
      { kind: "signed", endpoint: undefined, region: "r", path: "data/k.msgl", put: "create", credentials },
      { kind: "signed", endpoint: undefined, path: "data/k.msgl" },
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
    expect(recall(target.label)).toEqual(told);
    expect(target.label).not.toMatch(/hush|AKID/);
    expect(target.put).toBe(destination.put);
  });

  it("names an object, also one of other pages", () => {
    expect(objectName("https://s3.example.org/data/a/k.msgl")).toBe("k.msgl");
    expect(objectName("data/k.msgl, signed by https://example.org/sign")).toBe("k.msgl");
    expect(objectName("something else")).toBe("something else");
    expect(recall("something else")).toBeUndefined();
  });
});
