import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { meteredFetch } from "../src/index.js";

/** What the tests do with the last request that was sent. */
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
  answerHeaders = "";
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
    return this.answerHeaders;
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

/** Sends, and waits until the request has left. */
async function sent(
  fetch: ReturnType<typeof meteredFetch>,
  request = put(),
): Promise<{ readonly xhr: FakeXhr; readonly answer: Promise<Response> }> {
  FakeXhr.last = undefined;
  const answer = fetch(request);
  answer.catch(() => {});
  await vi.waitUntil(() => FakeXhr.last !== undefined);
  return { xhr: FakeXhr.last!, answer };
}

describe("a fetch that tells how far its uploads are", () => {
  beforeEach(() => void vi.stubGlobal("XMLHttpRequest", FakeXhr));
  afterEach(() => {
    vi.useRealTimers();
    vi.unstubAllGlobals();
  });

  it("sends what the request says, and gives the answer as fetch does", async () => {
    const { xhr, answer } = await sent(meteredFetch());
    expect(xhr).toMatchObject({ method: "PUT", url: URL_OF_PART, withCredentials: false });
    expect(xhr.headers).toMatchObject({ "x-amz-a": "b" });
    expect(xhr.body?.size).toBe(1000);
    Object.assign(xhr, { status: 403, answerHeaders: 'etag: "1"\r\nx-amz-b:  c: d \r\n' });
    xhr.response = new TextEncoder().encode("<Error/>").buffer as ArrayBuffer;
    xhr.onload();
    const response = await answer;
    expect(response.status).toBe(403);
    expect(response.headers.get("etag")).toBe('"1"');
    expect(response.headers.get("x-amz-b")).toBe("c: d");
    expect(await response.text()).toBe("<Error/>");
    const bodiless = await sent(meteredFetch());
    bodiless.xhr.status = 204;
    bodiless.xhr.onload();
    expect((await bodiless.answer).body).toBeNull();
  });

  it("counts what is under way, of all requests together, until they end", async () => {
    const fetch = meteredFetch();
    const seen: number[] = [];
    const stop = fetch.listen(() => seen.push(fetch.inFlight));
    const [one, two] = [await sent(fetch), await sent(fetch)];
    one.xhr.upload.onprogress?.({ loaded: 300 });
    two.xhr.upload.onprogress?.({ loaded: 500 });
    one.xhr.upload.onprogress?.({ loaded: 1000 });
    one.xhr.status = 200;
    one.xhr.onload();
    await one.answer;
    two.xhr.onerror();
    await expect(two.answer).rejects.toBeInstanceOf(TypeError);
    expect(seen).toEqual([300, 800, 1500, 500, 0]);
    stop();
    await sent(fetch);
    expect(seen.length).toBe(5);
  });

  it("gives up a request that stalls, and not one whose answer takes long", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const fetch = meteredFetch({ stallMs: 1000 });
    const { xhr, answer } = await sent(fetch);
    vi.advanceTimersByTime(900);
    xhr.upload.onprogress?.({ loaded: 10 });
    vi.advanceTimersByTime(900);
    expect(xhr.aborted).toBe(false);
    vi.advanceTimersByTime(200);
    expect(xhr.aborted).toBe(true);
    await expect(answer).rejects.toBeInstanceOf(TypeError);
    expect(fetch.inFlight).toBe(0);

    const slow = await sent(fetch);
    slow.xhr.upload.onload?.();
    vi.advanceTimersByTime(60_000);
    slow.xhr.status = 200;
    slow.xhr.onload();
    expect((await slow.answer).status).toBe(200);
  });

  it("ends with the signal's reason", async () => {
    const controller = new AbortController();
    const fetch = meteredFetch();
    const { xhr, answer } = await sent(fetch, put({ signal: controller.signal }));
    controller.abort("enough");
    await expect(answer).rejects.toBe("enough");
    expect(xhr.aborted).toBe(true);
    await expect(fetch(put({ signal: AbortSignal.abort("before") }))).rejects.toBe("before");
  });

  it("leaves what has no body, and everything where there is no XMLHttpRequest, to fetch", async () => {
    const plain = vi.fn(async () => new Response("plain"));
    vi.stubGlobal("fetch", plain);
    const fetch = meteredFetch();
    expect(await (await fetch(new Request("https://example.org/"))).text()).toBe("plain");
    vi.stubGlobal("XMLHttpRequest", undefined);
    expect(await (await fetch(put())).text()).toBe("plain");
    expect(plain).toHaveBeenCalledTimes(2);
  });
});
