/** The explorer that the built command serves. */
import { execFile } from "node:child_process";
import { rename, writeFile } from "node:fs/promises";
import { request } from "node:http";
import { join } from "node:path";
import { promisify } from "node:util";
import { encodeArchive, openArchive } from "@peekpack/core";
import { s3Store } from "@peekpack/s3";
import { freshBucket, startS3 } from "@peekpack/testing";
import { isZstd } from "@peekpack/zstd";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type BuiltCommand, builtCommand, type Ended, ended, root, s3Environment } from "./built-command.js";

const archive = encodeArchive({ entries: Array.from({ length: 3000 }, (_, i) => `the text of entry ${i}`) });

let built: BuiltCommand;
beforeAll(async () => {
  built = await builtCommand();
  await promisify(execFile)("npm", ["run", "-s", "build:page", "--workspace", "@peekpack/cli"], {
    cwd: root,
  });
  await writeFile(join(built.folder, "data.msglc"), archive);
}, 240_000);
afterAll(() => built.remove());

interface Served {
  readonly url: URL;
  /** The URL of the archive. */
  readonly archive: string;
  stop(signal: "SIGINT" | "SIGTERM"): Promise<Ended>;
}

async function serve(argv: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Served> {
  const child = built.start(["explore", ...argv], env);
  const end = ended(child);
  const line = await Promise.race([
    new Promise<string>((resolve) => child.stdout!.once("data", (chunk: Buffer) => resolve(String(chunk)))),
    end.then(({ stderr }) => Promise.reject(new Error(stderr))),
  ]);
  const url = new URL(line.trim());
  return {
    url,
    archive: decodeURIComponent(url.hash.replace("#url=", "")),
    stop(signal) {
      child.kill(signal);
      return end;
    },
  };
}

/** The status of a GET, with headers that fetch does not allow. */
function statusOf(url: string, headers: Record<string, string> = {}, method = "GET"): Promise<number> {
  return new Promise((resolve, reject) => {
    request(url, { headers, method }, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    })
      .on("error", reject)
      .end();
  });
}

describe("explore", () => {
  it("serves the page and the archive on 127.0.0.1, until a signal ends it", async () => {
    const { url, archive: place, stop } = await serve(["data.msglc"]);
    expect(url.hostname).toBe("127.0.0.1");
    const page = await fetch(url);
    expect(page.status).toBe(200);
    expect(page.headers.get("referrer-policy")).toBe("no-referrer");
    expect(page.headers.get("access-control-allow-origin")).toBeNull();
    const html = await page.text();
    const [, script = ""] = /src="(\.\/assets\/[^"]+\.js)"/.exec(html) ?? [];
    expect((await fetch(new URL(script, url))).headers.get("content-type")).toMatch(/^text\/javascript/);
    expect((await fetch(new URL("assets/../../package.json", url))).status).not.toBe(200);
    const opened = await openArchive(place);
    expect(await opened.read("entries/2999")).toBe("the text of entry 2999");
    await opened.close();
    expect(await stop("SIGINT")).toMatchObject({ status: 130, stderr: "" });
  });

  it("responds to ranges as HTTP prescribes", async () => {
    const { archive: place, stop } = await serve(["data.msglc"]);
    const whole = await fetch(place);
    expect(whole.status).toBe(200);
    expect(Buffer.compare(Buffer.from(await whole.arrayBuffer()), archive)).toBe(0);
    const etag = whole.headers.get("etag")!;
    const get = (headers: Record<string, string>): Promise<Response> => fetch(place, { headers });
    const part = await get({ range: "bytes=10-19", "if-range": etag });
    expect([part.status, part.headers.get("content-range")]).toEqual([206, `bytes 10-19/${archive.length}`]);
    expect(Buffer.compare(Buffer.from(await part.arrayBuffer()), archive.subarray(10, 20))).toBe(0);
    const tail = await get({ range: "bytes=-7" });
    expect(Buffer.compare(Buffer.from(await tail.arrayBuffer()), archive.subarray(-7))).toBe(0);
    expect((await get({ range: `bytes=${archive.length}-` })).status).toBe(416);
    expect((await get({ range: "bytes=0-9", "if-match": '"other"' })).status).toBe(412);
    expect((await get({ range: "bytes=0-9", "if-range": '"other"' })).status).toBe(200);
    expect(await statusOf(place, {}, "HEAD")).toBe(200);
    expect(await statusOf(place, {}, "PUT")).toBe(405);
    expect(await stop("SIGTERM")).toMatchObject({ status: 143, stderr: "" });
  });

  it("refuses requests without the token, and for the name of another host", async () => {
    const { url, archive: place, stop } = await serve(["data.msglc"]);
    const { origin, host, port, pathname } = url;
    expect(pathname).toMatch(/^\/[\w-]{22}\/$/);
    expect(await statusOf(place)).toBe(200);
    expect(await statusOf(place, { host: `localhost:${port}` })).toBe(200);
    for (const foreign of ["evil.example", `evil.example:${port}`, "127.0.0.1", "127.0.0.1:1"]) {
      expect(await statusOf(place, { host: foreign }), foreign).toBe(403);
    }
    for (const path of [
      "/",
      "/archive/data.msglc",
      `/${"x".repeat(22)}/archive/data.msglc`,
      `${pathname.slice(0, -2)}/`,
    ]) {
      expect(await statusOf(origin + path, { host }), path).toBe(403);
    }
    await stop("SIGINT");
  });

  it("says when the archive has changed, and reads archives at an offset", async () => {
    await writeFile(join(built.folder, "moved.msglc"), Buffer.concat([Buffer.alloc(7), archive]));
    const { archive: place, stop } = await serve(["--offset", "7", "moved.msglc"]);
    const whole = Buffer.from(await (await fetch(place)).arrayBuffer());
    expect(Buffer.compare(whole, archive)).toBe(0);
    await writeFile(join(built.folder, "new.msglc"), encodeArchive("another"));
    await rename(join(built.folder, "new.msglc"), join(built.folder, "moved.msglc"));
    expect(await statusOf(place, { range: "bytes=0-9" })).toBe(412);
    await stop("SIGINT");
  });

  it("reads from S3 with the credentials of the command", async () => {
    const server = await startS3({ require: "stand-in" });
    try {
      const bucket = await freshBucket(server);
      await s3Store({ ...server, writer: "fetch" })
        .target(`${bucket}/data.msglc`)
        .putObject(archive);
      const {
        url,
        archive: place,
        stop,
      } = await serve([`s3://${bucket}/data.msglc`], {
        ...s3Environment(server),
      });
      expect(url.href).not.toContain(server.credentials.accessKeyId);
      const opened = await openArchive(place);
      expect(await opened.read("entries/7")).toBe("the text of entry 7");
      await opened.close();
      await stop("SIGINT");
    } finally {
      await server.close();
    }
  });

  it("without an archive serves the first page and a sample, compressed and not", async () => {
    const { url, stop } = await serve([]);
    expect(url.hash).toBe("");
    expect(await (await fetch(url)).text()).toContain("<title>");
    const sample = new URL("samples/browser-compat-data.msglc", url).href;
    const opened = await openArchive(sample);
    expect(await opened.read("css/properties/color/__compat/source_file")).toBe("css/properties/color.json");
    expect(opened.stats.bytes).toBeLessThan(opened.info.size / 10);
    await opened.close();
    const compressed = await fetch(`${sample}.zst`, { headers: { range: "bytes=0-3" } });
    expect(compressed.status).toBe(206);
    expect(isZstd(new Uint8Array(await compressed.arrayBuffer()))).toBe(true);
    expect((await fetch(new URL("samples/..%2Findex.html", url))).status).toBe(404);
    expect(await stop("SIGINT")).toMatchObject({ status: 130, stderr: "" });
    expect((await built.run(["explore", "--shell"])).status).toBe(2);
  });

  it("reports a file that is not an archive at once", async () => {
    await writeFile(join(built.folder, "text"), "no archive at all ".repeat(10));
    const { status, stderr } = await built.run(["explore", "text"]);
    expect(status).toBe(1);
    expect(stderr).toMatch(/^peekpack: not-an-archive: /);
    expect((await built.run(["explore", "--port", "99999", "data.msglc"])).status).toBe(2);
  });
});
