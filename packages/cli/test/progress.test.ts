/** Progress on standard error. */
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { encodeArchive } from "@peekpack/core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { progressText } from "../src/progress.js";
import { run } from "./run.js";

const VALUES = 12;
const archive = encodeArchive(
  Array.from({ length: VALUES }, (_, i) => String(i).repeat(200_000)),
  { smallObjectThreshold: 1, trivialSize: 0 },
);

let server: Server;
let url = "";
beforeAll(async () => {
  server = createServer((request, response) => {
    const [, from, to] = /^bytes=(\d*)-(\d*)$/.exec(request.headers.range ?? "") ?? [];
    const start = from ? Number(from) : Math.max(0, archive.length - Number(to));
    const end = from && to ? Math.min(Number(to) + 1, archive.length) : archive.length;
    const answer = (): void => {
      response.writeHead(206, {
        "Content-Range": `bytes ${start}-${end - 1}/${archive.length}`,
        "Content-Length": end - start,
        ETag: '"1"',
      });
      response.end(archive.subarray(start, end));
    };
    // The data is slow, so that the command lasts for seconds.
    if (start > 0 && end - start > 50_000) void sleep(2500).then(answer);
    else answer();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/a.msglc`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

describe("a command that lasts longer than a second", () => {
  it("shows bytes, total and rate on a terminal, and removes the line at the end", async () => {
    const { status, stderr } = await run(["verify", url], "", { errorTerminal: true });
    expect(status).toBe(0);
    expect(stderr).toMatch(/\rreading [\d.]+ [kM]B of [\d.]+ MB, \d+ %, [\d.]+ k?B\/s/);
    expect(stderr.endsWith("\r\u001b[K")).toBe(true);
    // No color and nothing else that a terminal obeys.
    expect(stderr.replaceAll("\r", "").replaceAll("\u001b[K", "")).not.toMatch(/\p{Cc}/u);
  });

  it("shows nothing with --quiet, nor in a pipe", async () => {
    const outcomes = await Promise.all([
      run(["verify", "--quiet", url], "", { errorTerminal: true }),
      run(["cat", "-q", url, "3"], "", { errorTerminal: true }),
      run(["verify", url]),
    ]);
    for (const { status, stderr } of outcomes) expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  });
});

it("a fast command shows no progress", async () => {
  expect((await run(["ls", url], "", { errorTerminal: true })).stderr).toBe("");
});

it("progress tells the remaining time if the total is known", () => {
  expect(progressText("uploading", 412e6, 1.2e9, 88e6)).toBe(
    "uploading 412 MB of 1.20 GB, 34 %, 88.0 MB/s, 9 s left",
  );
  expect(progressText("reading", 5e6, undefined, 1e6)).toBe("reading 5.00 MB, 1.00 MB/s");
  expect(progressText("reading", 1e9, 1e12, 1e8)).toContain("2 h 46 min left");
  expect(progressText("reading", 0, 1e9, 0)).toBe("reading 0 B of 1.00 GB, 0 %, 0 B/s");
  // More was read than expected: a page index, for example, is read as well.
  expect(progressText("reading", 11e6, 10e6, 1e6)).toBe("reading 11.0 MB, 1.00 MB/s");
});
