import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { meteredFetch } from "../src/index.js";

/** Fake XMLHttpRequest. Tests control the last request. */
class FakeXhr {
  static last: FakeXhr | undefined;
  readonly upload: { onprogress?: (event: { loaded: number }) => void; onload?: () => void } = {};
  readonly headers: Record<string, string> = {};
  method = "";
  url = "";
  body: Blob | undefined;
  aborted = false;
  withCredentials = true;
  responseType = "";
  status = 0;
  response: ArrayBuffer = new ArrayBuffer(0);
  responseHeaders = "";
  onload: () => void = () => {};
  onerror: () => void = () => {};

  open(method: string, url: string): void {
    this.method = method;
    this.url = url;
  }
  setRequestHeader(name: string, value: string): void {
    this.headers[name] = value;
  }
  send(body: Blob): void {
    this.body = body;
    FakeXhr.last = this;
  }
  abort(): void {
    this.aborted = true;
  }
  getAllResponseHeaders(): string {
    return this.responseHeaders;
  }
}

const URL_OF_PART = "https://example.org/bucket/key?partNumber=1";
const put = (more: RequestInit = {}): Request =>
  new Request(URL_OF_PART, {
    method: "PUT",
    body: new Uint8Array(1000),
    headers: { "x-amz-a": "b" },
    ...more,
  });

/** Sends a request, and waits until the XMLHttpRequest has it. */
async function sent(
  fetch: ReturnType<typeof meteredFetch>,
  request = put(),
): Promise<{ readonly xhr: FakeXhr; readonly response: Promise<Response> }> {
  FakeXhr.last = undefined;
  const response = fetch(request);
  response.catch(() => {});
  await vi.waitUntil(() => FakeXhr.last !== undefined);
  return { xhr: FakeXhr.last!, response };
}

describe("meteredFetch", () => {
  beforeEach(() => void vi.stubGlobal("XMLHttpRequest", FakeXhr));
  afterEach(() => {
    vi.useRealTimers();
    vi.unstubAllGlobals();
  });

  it("sends the request, and returns the response as fetch does", async () => {
    const { xhr, response: pending } = await sent(meteredFetch());
    expect(xhr).toMatchObject({ method: "PUT", url: URL_OF_PART, withCredentials: false });
    expect(xhr.headers).toMatchObject({ "x-amz-a": "b" });
    expect(xhr.body?.size).toBe(1000);
    Object.assign(xhr, { status: 403, responseHeaders: 'etag: "1"\r\nx-amz-b:  c: d \r\n' });
    xhr.response = new TextEncoder().encode("<Error/>").buffer as ArrayBuffer;
    xhr.onload();
    const response = await pending;
    expect(response.status).toBe(403);
    expect(response.headers.get("etag")).toBe('"1"');
    expect(response.headers.get("x-amz-b")).toBe("c: d");
    expect(await response.text()).toBe("<Error/>");
    const bodiless = await sent(meteredFetch());
    bodiless.xhr.status = 204;
    bodiless.xhr.onload();
    expect((await bodiless.response).body).toBeNull();
  });

  it("sums the bytes in transfer of all requests until they end", async () => {
    const fetch = meteredFetch();
    const seen: number[] = [];
    const stop = fetch.listen(() => seen.push(fetch.inFlight));
    const [one, two] = [await sent(fetch), await sent(fetch)];
    one.xhr.upload.onprogress?.({ loaded: 300 });
    two.xhr.upload.onprogress?.({ loaded: 500 });
    one.xhr.upload.onprogress?.({ loaded: 1000 });
    one.xhr.status = 200;
    one.xhr.onload();
    await one.response;
    two.xhr.onerror();
    await expect(two.response).rejects.toBeInstanceOf(TypeError);
    expect(seen).toEqual([300, 800, 1500, 500, 0]);
    stop();
    await sent(fetch);
    expect(seen.length).toBe(5);
  });

  it("ends a request that stalls, but not one whose response takes long", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const fetch = meteredFetch({ stallMs: 1000 });
    const { xhr, response: pending } = await sent(fetch);
    vi.advanceTimersByTime(900);
    xhr.upload.onprogress?.({ loaded: 10 });
    vi.advanceTimersByTime(900);
    expect(xhr.aborted).toBe(false);
    vi.advanceTimersByTime(200);
    expect(xhr.aborted).toBe(true);
    await expect(pending).rejects.toBeInstanceOf(TypeError);
    expect(fetch.inFlight).toBe(0);

    const slow = await sent(fetch);
    slow.xhr.upload.onload?.();
    vi.advanceTimersByTime(60_000);
    slow.xhr.status = 200;
    slow.xhr.onload();
    expect((await slow.response).status).toBe(200);
  });

  it("rejects with the signal's reason", async () => {
    const controller = new AbortController();
    const fetch = meteredFetch();
    const { xhr, response: pending } = await sent(fetch, put({ signal: controller.signal }));
    controller.abort("enough");
    await expect(pending).rejects.toBe("enough");
    expect(xhr.aborted).toBe(true);
    await expect(fetch(put({ signal: AbortSignal.abort("before") }))).rejects.toBe("before");
  });

  it("uses fetch for requests without a body, and where XMLHttpRequest is missing", async () => {
    const plain = vi.fn(async () => new Response("plain"));
    vi.stubGlobal("fetch", plain);
    const fetch = meteredFetch();
    expect(await (await fetch(new Request("https://example.org/"))).text()).toBe("plain");
    vi.stubGlobal("XMLHttpRequest", undefined);
    expect(await (await fetch(put())).text()).toBe("plain");
    expect(plain).toHaveBeenCalledTimes(2);
  });
});
