import { describe, expect, it } from "vitest";
import { type PresignUploadOptions, presignUpload, s3Store, type UploadRequest } from "../src/index.js";

const store = s3Store({
  endpoint: "http://127.0.0.1:9",
  credentials: { accessKeyId: "id", secretAccessKey: "secret" },
});

/** The signed request: path, query without the signature, and signed headers. The method is in the signature only. */
async function signed(request: unknown, options?: PresignUploadOptions) {
  const url = new URL(await presignUpload(store, "bucket/a key", request as UploadRequest, options));
  const query = [...url.searchParams.entries()].filter(([name]) => !name.startsWith("X-Amz-"));
  return {
    path: url.pathname,
    query: Object.fromEntries(query),
    headers: url.searchParams.get("X-Amz-SignedHeaders")!.split(";"),
  };
}

const upload = { uploadId: "the id", partNumber: "7" };

describe("presignUpload", () => {
  it("derives method, path and query from the operation", async () => {
    const sent: unknown[] = [];
    const recording: Parameters<typeof presignUpload>[0] = {
      presign: async (path, options) => {
        sent.push({ path, method: options?.method, query: options?.query });
        return "";
      },
    };
    const query = { uploadId: "id", partNumber: "7" };
    for (const operation of [
      "PutObject",
      "CreateMultipartUpload",
      "UploadPart",
      "ListParts",
      "CompleteMultipartUpload",
      "AbortMultipartUpload",
      "HeadObject",
    ]) {
      // The client's method is ignored.
      const request = { operation, method: "DELETE", query, headers: {} };
      await presignUpload(recording, "bucket/key", request);
    }
    expect(sent).toEqual([
      { path: "bucket/key", method: "PUT", query: {} },
      { path: "bucket/key", method: "POST", query: { uploads: "" } },
      { path: "bucket/key", method: "PUT", query },
      { path: "bucket/key", method: "GET", query: { uploadId: "id" } },
      { path: "bucket/key", method: "POST", query: { uploadId: "id" } },
      { path: "bucket/key", method: "DELETE", query: { uploadId: "id" } },
      { path: "bucket/key", method: "HEAD", query: {} },
    ]);
  });

  it("signs conditions, checksums, content type and length, and no other header", async () => {
    const headers = {
      "If-None-Match": "*",
      "content-md5": "1B2M2Y8AsgTpgAmY7PhCfg==",
      "content-type": "application/octet-stream",
      "content-length": "10",
      "x-amz-checksum-crc32": "AAAAAA==",
      "x-amz-acl": "public-read",
      "x-amz-grant-read": "uri=http://acs.amazonaws.com/groups/global/AllUsers",
      "x-amz-copy-source": "private/secret",
      "x-amz-tagging": "a=b",
      "x-amz-website-redirect-location": "/",
      host: "other.example",
      authorization: "x",
    };
    expect((await signed({ operation: "PutObject", headers })).headers).toEqual([
      "content-length",
      "content-md5",
      "content-type",
      "host",
      "if-none-match",
      "x-amz-checksum-crc32",
    ]);
  });

  it("ignores query parameters that the operation does not have", async () => {
    const query = { acl: "", versionId: "1", "X-Amz-Expires": "604800", uploads: "x", ...upload };
    expect((await signed({ operation: "PutObject", query })).query).toEqual({});
    expect((await signed({ operation: "CreateMultipartUpload", query })).query).toEqual({ uploads: "" });
  });

  it.each([
    ["a deletion", { operation: "DeleteObject" }],
    ["a read", { operation: "GetObject" }],
    ["an ACL", { operation: "PutObjectAcl" }],
    ["a property of every object", { operation: "constructor" }],
    ["no operation", {}],
    ["no object", "PutObject"],
    ["null", null],
    ["a deletion without an upload", { operation: "AbortMultipartUpload" }],
    ["an empty upload id", { operation: "AbortMultipartUpload", query: { uploadId: "" } }],
    ["an upload id that is not a string", { operation: "ListParts", query: { uploadId: ["a", "b"] } }],
    ["part 0", { operation: "UploadPart", query: { uploadId: "id", partNumber: "0" } }],
    ["part 10,001", { operation: "UploadPart", query: { uploadId: "id", partNumber: "10001" } }],
    [
      "a part that is not a number",
      { operation: "UploadPart", query: { uploadId: "id", partNumber: "1e3" } },
    ],
    [
      "a header with a line break",
      { operation: "PutObject", headers: { "content-type": "a\r\nx-amz-acl: b" } },
    ],
    ["a header twice", { operation: "PutObject", headers: { "if-match": "a", "If-Match": "b" } }],
  ])("rejects %s with `denied`", async (_, request) => {
    await expect(signed(request)).rejects.toMatchObject({ code: "denied" });
  });

  it.each([
    ["an allowed source", "bucket/a%20source", true],
    ["a version of it", "bucket/a%20source?versionId=v1.2_3", true],
    ["another key", "bucket/other", false],
    ["another bucket", "private/a%20source", false],
    ["another form of the key", "bucket/a source", false],
    ["a path that leaves the bucket", "bucket/a%20source/../../private/secret", false],
    ["a second query", "bucket/a%20source?versionId=1&acl", false],
    ["no source", undefined, false],
  ])("signs a copy of %s: %s", async (_, source, allowed) => {
    const headers = source === undefined ? {} : { "x-amz-copy-source": source };
    const request = { operation: "UploadPartCopy", query: { uploadId: "id", partNumber: "1" }, headers };
    const result = signed(request, { copySources: ["bucket/a source"] });
    if (allowed) expect((await result).headers).toContain("x-amz-copy-source");
    else await expect(result).rejects.toMatchObject({ code: "denied" });
    await expect(signed(request)).rejects.toMatchObject({ code: "denied" });
  });

  it("rejects an invalid path or expiry as store.presign does", async () => {
    await expect(presignUpload(store, "bucket", { operation: "PutObject" })).rejects.toThrow(TypeError);
    await expect(signed({ operation: "PutObject" }, { expiresIn: -1 })).rejects.toThrow(RangeError);
  });
});
