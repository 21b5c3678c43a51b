import { describe, expect, it } from "vitest";
import { connectionSettings, objectLabel, openConnection } from "../src/connection.js";

const credentials = { accessKeyId: "AKIDEXAMPLE", secretAccessKey: "secret", sessionToken: "session" };

/** A fetch that returns these responses one after the other and records the requests. */
function scripted(...responses: Response[]): {
  fetch: (request: Request) => Promise<Response>;
  requests: Request[];
} {
  const requests: Request[] = [];
  return {
    requests,
    async fetch(request) {
      requests.push(request);
      return responses.shift() ?? new Response("ok");
    },
  };
}

const refusal = (status: number, code: string, more = "", headers: Record<string, string> = {}): Response =>
  new Response(`<?xml version="1.0"?><Error><Code>${code}</Code>${more}</Error>`, { status, headers });

describe("addressing", () => {
  const urlOf = async (
    options: Parameters<typeof connectionSettings>[0],
    bucket = "bucket",
  ): Promise<string> => {
    const { fetch, requests } = scripted();
    await openConnection(connectionSettings({ credentials, ...options, fetch })).send({
      method: "GET",
      bucket,
      key: "a b",
    });
    return requests[0]!.url;
  };

  it("puts the bucket into the host on AWS if a certificate covers its name", async () => {
    expect(await urlOf({ region: "eu-north-1" })).toBe("https://bucket.s3.eu-north-1.amazonaws.com/a%20b");
    expect(await urlOf({ region: "eu-north-1" }, "with.dots")).toBe(
      "https://s3.eu-north-1.amazonaws.com/with.dots/a%20b",
    );
    expect(await urlOf({ region: "cn-north-1" })).toBe("https://bucket.s3.cn-north-1.amazonaws.com.cn/a%20b");
    expect(await urlOf({ region: "eu-north-1", forcePathStyle: true })).toBe(
      "https://s3.eu-north-1.amazonaws.com/bucket/a%20b",
    );
  });

  it("puts the bucket into the path of an endpoint unless forcePathStyle is false", async () => {
    expect(await urlOf({ endpoint: "http://localhost:9000" })).toBe("http://localhost:9000/bucket/a%20b");
    expect(await urlOf({ endpoint: "https://gate.example/s3/" })).toBe(
      "https://gate.example/s3/bucket/a%20b",
    );
    expect(await urlOf({ endpoint: "https://gate.example", forcePathStyle: false })).toBe(
      "https://bucket.gate.example/a%20b",
    );
  });

  it("labels objects without credentials and query", () => {
    expect(objectLabel({}, "bucket", "a b")).toBe("s3://bucket/a b");
    expect(objectLabel({ endpoint: "http://user:pass@localhost:9000/?token=x" }, "bucket", "key")).toBe(
      "http://localhost:9000/bucket/key",
    );
  });

  it("rejects keys that fetch would resolve to other keys", async () => {
    const { fetch, requests } = scripted();
    const connection = openConnection(connectionSettings({ credentials, fetch }));
    await expect(
      connection.send({ method: "GET", bucket: "bucket", key: "../other/key" }),
    ).rejects.toMatchObject({
      code: "bad-path",
    });
    expect(requests).toEqual([]);
  });
});

describe("signing", () => {
  it("signs the headers of SigV4, and nothing without credentials", async () => {
    const { fetch, requests } = scripted();
    await openConnection(connectionSettings({ credentials, region: "eu-north-1", fetch })).send({
      method: "GET",
      bucket: "bucket",
      key: "key",
      headers: { range: "bytes=0-9" },
    });
    await openConnection(connectionSettings({ credentials: null, fetch })).send({
      method: "GET",
      bucket: "bucket",
      key: "key",
    });
    const [signed, anonymous] = requests;
    expect(signed!.headers.get("authorization")).toMatch(
      /^AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE\/\d{8}\/eu-north-1\/s3\/aws4_request, SignedHeaders=host;range;x-amz-content-sha256;x-amz-date;x-amz-security-token, Signature=[0-9a-f]{64}$/,
    );
    expect(signed!.headers.get("x-amz-security-token")).toBe("session");
    expect([...anonymous!.headers.keys()]).toEqual([]);
  });

  it("reads credentials, region and endpoint from the environment at the first request", async () => {
    const names = [
      "AWS_ACCESS_KEY_ID",
      "AWS_SECRET_ACCESS_KEY",
      "AWS_SESSION_TOKEN",
      "AWS_REGION",
      "AWS_ENDPOINT_URL",
    ];
    const before = names.map((name) => [name, process.env[name]] as const);
    try {
      for (const name of names) delete process.env[name];
      const { fetch, requests } = scripted();
      const connection = openConnection(connectionSettings({ fetch }));
      process.env.AWS_ACCESS_KEY_ID = "FROMENV";
      process.env.AWS_SECRET_ACCESS_KEY = "x";
      process.env.AWS_REGION = "us-west-2";
      process.env.AWS_ENDPOINT_URL = "http://localhost:1234";
      await connection.send({ method: "GET", bucket: "bucket", key: "key" });
      expect(requests[0]!.url).toBe("http://localhost:1234/bucket/key");
      expect(requests[0]!.headers.get("authorization")).toContain("Credential=FROMENV/");
      expect(requests[0]!.headers.get("authorization")).toContain("/us-west-2/s3/");
    } finally {
      for (const [name, value] of before) {
        if (value === undefined) delete process.env[name];
        else process.env[name] = value;
      }
    }
  });

  it("calls the provider again after ExpiredToken, once for all requests", async () => {
    let calls = 0;
    let refused = 0;
    const connection = openConnection(
      connectionSettings({
        credentials: async () => ({ accessKeyId: `KEY${++calls}`, secretAccessKey: "x" }),
        async fetch(request) {
          if (request.headers.get("authorization")!.includes("Credential=KEY2/")) return new Response("ok");
          refused++;
          return refusal(403, "ExpiredToken");
        },
      }),
    );
    const responses = await Promise.all(
      Array.from({ length: 20 }, () => connection.send({ method: "GET", bucket: "bucket", key: "key" })),
    );
    expect(responses.map(({ status }) => status)).toEqual(Array(20).fill(200));
    expect({ calls, refused }).toEqual({ calls: 2, refused: 20 });
  });

  it("calls the provider again before its credentials expire, and after it failed", async () => {
    let calls = 0;
    const connection = openConnection(
      connectionSettings({
        async credentials() {
          calls++;
          if (calls === 1) throw new Error("secret reason");
          return {
            accessKeyId: "K",
            secretAccessKey: "x",
            expiration: new Date(Date.now() + (calls === 2 ? 60_000 : 3_600_000)),
          };
        },
        fetch: async () => new Response("ok"),
      }),
    );
    const send = (): Promise<Response> => connection.send({ method: "GET", bucket: "bucket", key: "key" });
    await expect(send()).rejects.toMatchObject({
      code: "denied",
      message: expect.not.stringContaining("secret"),
    });
    await send();
    await send();
    await send();
    expect(calls).toBe(3);
  });

  it("corrects the region by a redirect of AWS, and keeps it", async () => {
    const { fetch, requests } = scripted(
      refusal(301, "PermanentRedirect", "", { "x-amz-bucket-region": "eu-north-1" }),
    );
    const connection = openConnection(connectionSettings({ credentials, region: "us-east-1", fetch }));
    expect((await connection.send({ method: "GET", bucket: "bucket", key: "key" })).status).toBe(200);
    await connection.send({ method: "GET", bucket: "bucket", key: "key" });
    expect(requests.map(({ url }) => new URL(url).host)).toEqual([
      "bucket.s3.us-east-1.amazonaws.com",
      "bucket.s3.eu-north-1.amazonaws.com",
      "bucket.s3.eu-north-1.amazonaws.com",
    ]);
  });

  it("corrects its clock by the server's time", async () => {
    const { fetch, requests } = scripted(
      refusal(403, "RequestTimeTooSkewed", "<ServerTime>2031-05-06T07:08:09Z</ServerTime>"),
    );
    const connection = openConnection(connectionSettings({ credentials, fetch }));
    expect((await connection.send({ method: "GET", bucket: "bucket", key: "key" })).status).toBe(200);
    expect(requests[1]!.headers.get("x-amz-date")).toMatch(/^20310506T0708/);
  });

  it("stops correcting after a few requests and returns the refusal with its body", async () => {
    const { fetch, requests } = scripted(...Array.from({ length: 9 }, () => refusal(403, "ExpiredToken")));
    const connection = openConnection(connectionSettings({ credentials, fetch }));
    const response = await connection.send({ method: "GET", bucket: "bucket", key: "key" });
    expect(response.status).toBe(403);
    expect(await response.text()).toContain("ExpiredToken");
    expect(requests.length).toBeLessThan(6);
  });

  it("returns a refusal whose body breaks off", async () => {
    const body = new ReadableStream({
      start: (controller) => controller.enqueue(new TextEncoder().encode("<Error>")),
      pull: (controller) => controller.error(new Error("reset")),
    });
    const { fetch } = scripted(new Response(body, { status: 403 }));
    const connection = openConnection(connectionSettings({ credentials, fetch }));
    expect((await connection.send({ method: "GET", bucket: "bucket", key: "key" })).status).toBe(403);
  });

  it("rejects with the signal's own reason", async () => {
    const controller = new AbortController();
    const connection = openConnection(
      connectionSettings({
        credentials,
        fetch: (request) =>
          new Promise((_, reject) => {
            request.signal.addEventListener("abort", () => reject(request.signal.reason));
          }),
      }),
    );
    const pending = connection.send({
      method: "GET",
      bucket: "bucket",
      key: "key",
      signal: controller.signal,
    });
    const reason = new Error("mine");
    controller.abort(reason);
    await expect(pending).rejects.toBe(reason);
  });
});
