import { afterEach, describe, expect, it, vi } from "vitest";
import { clientTarget, s3Store } from "../src/index.js";

const credentials = { accessKeyId: "id", secretAccessKey: "secret" };
const WORKERD = { userAgent: "Cloudflare-Workers" };
const retry = { baseMs: 1 };

/** A store whose server accepts every request, and how many requests it got. */
function countingStore(writer?: "sdk") {
  const requests: Request[] = [];
  const store = s3Store({
    endpoint: "http://127.0.0.1:9",
    credentials,
    writer,
    retry,
    fetch: async (request) => {
      requests.push(request);
      return new Response("<R><UploadId>1</UploadId></R>", { headers: { etag: '"1"' } });
    },
  });
  return { store, requests };
}

describe("the AWS SDK on other platforms", () => {
  afterEach(() => {
    vi.doUnmock("@aws-sdk/client-s3");
    vi.resetModules();
    vi.unstubAllGlobals();
  });

  it("is not what workerd writes with by default, although workerd names a version of Node", async () => {
    vi.stubGlobal("navigator", WORKERD);
    const { store, requests } = countingStore();
    await store.target("bucket/key").putObject(new Uint8Array(1));
    expect(requests.map(({ headers }) => headers.get("user-agent") ?? "")).toEqual([
      expect.not.stringMatching(/aws-sdk/),
    ]);
  });

  it("writes outside Node where it can read responses", async () => {
    vi.stubGlobal("navigator", WORKERD);
    const { store } = countingStore("sdk");
    const { id } = await store.target("bucket/key").createUpload();
    expect(id).toBe("1");
  });

  it("rejects with `denied` and begins no upload where it cannot read responses", async () => {
    vi.stubGlobal("navigator", WORKERD);
    vi.doMock("@aws-sdk/client-s3", async (original) => ({
      ...(await original<typeof import("@aws-sdk/client-s3")>()),
      S3Client: class {
        async send(): Promise<never> {
          throw new ReferenceError("DOMParser is not defined");
        }
      },
    }));
    const { store, requests } = countingStore("sdk");
    await expect(store.target("bucket/key").createUpload()).rejects.toMatchObject({
      name: "PeekpackError",
      code: "denied",
      message: expect.stringContaining('writer: "fetch"'),
    });
    expect(requests).toEqual([]);
  });

  it("rejects with `denied` where a bundler has put an empty module in the place of the SDK", async () => {
    vi.doMock("@aws-sdk/client-s3", () => ({}));
    const { store, requests } = countingStore("sdk");
    await expect(store.target("bucket/key").createUpload()).rejects.toMatchObject({
      code: "denied",
      message: expect.stringContaining('writer: "fetch"'),
    });
    expect(requests).toEqual([]);
  });

  it("does not repeat a request whose response the platform cannot read", async () => {
    const send = vi.fn(async () => {
      throw Object.assign(new ReferenceError("DOMParser is not defined"), {
        $metadata: { httpStatusCode: 200 },
      });
    });
    const target = clientTarget({ send }, { Bucket: "bucket", Key: "key" }, { retry });
    await expect(target.createUpload()).rejects.toMatchObject({ code: "denied" });
    expect(send).toHaveBeenCalledTimes(1);
  });
});
