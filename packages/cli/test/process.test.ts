/** Runs the built command in its own process. */
import { type ChildProcess, execFile } from "node:child_process";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { promisify } from "node:util";
import { encodeArchive } from "@peekpack/core";
import { freshBucket, type S3Server, startS3 } from "@peekpack/testing";
import { difference, fingerprint, fromTagged, loadArchives, loadVectors } from "@peekpack/testing/fixtures";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type BuiltCommand, builtCommand, type Ended, ended, root, s3Environment } from "./built-command.js";

const fixtures = join(root, "testing/fixtures");

let built: BuiltCommand;
let folder = "";
beforeAll(async () => {
  built = await builtCommand();
  folder = built.folder;
});
afterAll(() => built.remove());

const start = (...args: Parameters<BuiltCommand["start"]>): ChildProcess => built.start(...args);
const peekpack = (...args: Parameters<BuiltCommand["run"]>): Promise<Ended> => built.run(...args);
const output = (...args: Parameters<BuiltCommand["output"]>): Promise<string> => built.output(...args);

it("runs as the workspace's peekpack", async () => {
  const { stdout } = await promisify(execFile)("npx", ["--no", "--", "peekpack", "--version"], { cwd: root });
  expect(stdout).toMatch(/^peekpack \d+\.\d+\.\d+\n$/);
});

it("exits with 0, 1 or 2", async () => {
  expect(await output(["--help"])).toContain("usage: peekpack COMMAND");
  expect(await peekpack([])).toMatchObject({
    status: 2,
    stderr: expect.stringMatching(/^peekpack: usage: /),
  });
  expect(await peekpack(["cat", "none"])).toMatchObject({
    status: 1,
    stderr: expect.stringMatching(/^peekpack: not-found: [^\n]+\n$/),
  });
  expect(await peekpack(["cat", join(fixtures, "corrupt/leaf-utf8-lone-msgpack.bin")])).toMatchObject({
    status: 1,
    stderr: expect.stringMatching(/^peekpack: corrupt: [^\n]+\n$/),
  });
});

it("reads and writes archives of both codecs", async () => {
  for (const name of ["ext-msgpack.msglc", "bigints-cbor.msglc", "combined-deep-cbor.msglc"]) {
    const row = loadArchives().find(({ file }) => file === name)!;
    const text = await output(["cat", "--tagged", join(fixtures, "archives", name)]);
    if (row.value !== undefined) expect(difference(fromTagged(JSON.parse(text)), row.value)).toBeUndefined();
  }
  const rows = loadVectors().filter(({ python }) => python !== undefined);
  for (const codec of ["msgpack", "cbor"]) {
    const row = rows.findLast((candidate) => candidate.codec === codec)!;
    const options = ["--codec", codec, "--threshold", `${row.threshold}`, "--trivial", `${row.trivial}`];
    const { stdout } = await peekpack(["write", "--tagged", ...options, "-", "-"], {
      input: JSON.stringify(row.value),
    });
    expect(fingerprint(stdout)).toBe(row.python);
  }
});

describe("standard output", () => {
  let large = "";
  beforeAll(async () => {
    large = join(folder, "large.msglc");
    const value = Object.fromEntries(
      Array.from({ length: 200_000 }, (_, i) => [`key ${i}`, `the value of ${i}`]),
    );
    await writeFile(large, encodeArchive({ value }, { trivialSize: 4 }));
  });

  it.each([["ls"], ["ls", "--json"], ["cat"]])(
    "exits with 0 when the reader of %s closes the pipe",
    async (...argv) => {
      const child = start([...argv, large, "value"]);
      const end = ended(child);
      child.stdout?.once("data", () => child.stdout?.destroy());
      expect(await end).toMatchObject({ status: 0, signal: null, stderr: "" });
    },
  );

  it("writes everything to a slow reader", async () => {
    const child = start(["ls", large, "value"]);
    const end = ended(child);
    const pause = setInterval(() => {
      child.stdout?.pause();
      setTimeout(() => child.stdout?.resume(), 5);
    }, 10);
    const { status, stdout } = await end;
    clearInterval(pause);
    expect(status).toBe(0);
    expect(stdout.toString().trimEnd().split("\n")).toHaveLength(200_000);
  });
});

it.each([
  ["SIGINT", 130],
  ["SIGTERM", 143],
] as const)("leaves no files after %s, and exits with %i", async (signal, status) => {
  const place = join(folder, signal);
  await mkdir(place);
  await writeFile(join(place, "old.msglc"), encodeArchive("old"));
  await writeFile(join(folder, "child.msglc"), encodeArchive("child"));
  // The second child never ends, so that the first has been written when the signal arrives.
  let asked: () => void = () => {};
  const waiting = new Promise<void>((resolve) => {
    asked = resolve;
  });
  const header = encodeArchive("x".repeat(1_000_000));
  const server = createServer((request, response) => {
    const [, from, to] = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? "") ?? [];
    const start = Number(from ?? 0);
    const end = Math.min(to ? Number(to) + 1 : header.length, header.length);
    response.writeHead(206, {
      "Content-Range": `bytes ${start}-${end - 1}/${header.length}`,
      "Content-Length": end - start,
      ETag: '"1"',
    });
    if (end - start > 100_000) {
      response.write(header.subarray(start, start + 10));
      asked();
    } else {
      response.end(header.subarray(start, end));
    }
  });
  const base = await listening(server);
  try {
    const child = start([
      "combine",
      join(place, "old.msglc"),
      `a=${join(folder, "child.msglc")}`,
      `b=${base}/x`,
    ]);
    const end = ended(child);
    await Promise.race([waiting, end]);
    expect(await readdir(place)).toHaveLength(2);
    child.kill(signal);
    expect(await end).toMatchObject({ status, stderr: "", stdout: Buffer.alloc(0) });
    expect(await readdir(place)).toEqual(["old.msglc"]);
    expect(await output(["cat", join(place, "old.msglc")])).toBe('"old"\n');
  } finally {
    server.closeAllConnections();
    server.close();
  }
});

it("reads over HTTP, and never prints the query", async () => {
  const bytes = encodeArchive({ a: ["x"] });
  const server = createServer((request, response) => {
    const { searchParams, pathname } = new URL(request.url ?? "", "http://localhost");
    if (searchParams.get("token") !== "secret" || pathname !== "/a") response.writeHead(403).end();
    else {
      response.writeHead(206, {
        "Content-Range": `bytes 0-${bytes.length - 1}/${bytes.length}`,
        ETag: '"1"',
      });
      response.end(bytes);
    }
  });
  const base = await listening(server);
  try {
    expect(await output(["cat", `${base}/a?token=secret`, "a/0"])).toBe('"x"\n');
    expect(await output(["info", `${base}/a?token=secret`])).not.toContain("secret");
    const refused = await peekpack(["cat", `${base}/b?token=secret`]);
    expect(refused).toMatchObject({ status: 1, stderr: expect.stringMatching(/^peekpack: denied: /) });
    expect(refused.stderr).not.toContain("secret");
  } finally {
    server.closeAllConnections();
    server.close();
  }
});

async function listening(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

describe("S3", () => {
  let server: S3Server;
  let bucket = "";
  let env: NodeJS.ProcessEnv = {};
  beforeAll(async () => {
    server = await startS3({ require: "stand-in" });
    bucket = await freshBucket(server);
    env = {
      ...s3Environment(server),
      TMPDIR: folder,
    };
  });
  afterAll(() => server.close());
  const s3 = (argv: readonly string[], input = ""): Promise<string> => output(argv, { env, input });

  it("writes, reads, combines, appends and extracts", async () => {
    const [a, b, c] = ["a", "b c+d?#%41", "c"].map((name) => `s3://${bucket}/${name}.msglc`) as [
      string,
      string,
      string,
    ];
    await s3(["write", "-", a], '{"x": [1, 2, 3]}');
    await s3(["write", "--codec", "cbor", "-", b], '"b"');
    expect(await s3(["cat", a, "x/-1"])).toBe("3\n");
    expect(await s3(["cat", b])).toBe('"b"\n');
    await s3(["combine", c, `one=${a}`, `two=${b}`]);
    const local = join(folder, "local.msglc");
    await s3(["extract", c, "one", local]);
    await s3(["append", c, `three=${local}`]);
    expect(JSON.parse(await s3(["cat", c]))).toEqual({
      one: { x: [1, 2, 3] },
      two: "b",
      three: { x: [1, 2, 3] },
    });
    expect(await s3(["verify", c])).toMatch(/^ok: /);
    expect((await s3(["ls", c])).split("\n").map((line) => line.slice(-5).trim())).toEqual([
      "one",
      "two",
      "three",
      "",
    ]);
    await s3(["extract", c, "two", `s3://${bucket}/two.msglc`]);
    expect(await s3(["cat", `s3://${bucket}/two.msglc`])).toBe('"b"\n');
    // The server-side result equals the result for files.
    const copy = join(folder, "copy.msglc");
    await s3(["combine", copy, `one=${a}`, `two=${b}`, `three=${local}`]);
    await s3(["extract", c, "", join(folder, "whole.msglc")]);
    expect(Buffer.compare(await readFile(copy), await readFile(join(folder, "whole.msglc")))).toBe(0);
    const spools = await readdir(folder, { recursive: true, withFileTypes: true });
    expect(spools.filter((entry) => entry.isFile() && entry.parentPath.includes("spool"))).toEqual([]);
  });

  it("takes the endpoint as an option, and reports failures in one line without credentials", async () => {
    const place = `s3://${bucket}/d.msglc`;
    const { AWS_ENDPOINT_URL_S3: endpoint = "", ...others } = env;
    await output(["write", "--endpoint", endpoint, "-", place], { env: others, input: "1" });
    expect(await output(["cat", "--endpoint", endpoint, place], { env: others })).toBe("1\n");
    const failures: [string, string[], NodeJS.ProcessEnv][] = [
      ["exists", ["write", "--put", "create", "-", place], env],
      ["not-found", ["cat", `s3://${bucket}/none`], env],
      ["not-found", ["write", "-", "s3://no-such-bucket/x"], env],
      ["denied", ["cat", place], { ...env, AWS_SECRET_ACCESS_KEY: "wrong" }],
      ["denied", ["write", "-", place], { ...env, AWS_SECRET_ACCESS_KEY: "wrong" }],
      ["denied", ["combine", `${place}2`, place], { ...env, AWS_SECRET_ACCESS_KEY: "wrong" }],
      ["unsupported-value", ["append", place, `x=${place}`], env],
    ];
    for (const [code, argv, environment] of failures) {
      const { status, stderr } = await peekpack(argv, { env: environment, input: "2" });
      expect({ status, stderr }).toEqual({
        status: 1,
        stderr: expect.stringMatching(new RegExp(`^peekpack: ${code}: [^\\n]+\\n$`)),
      });
      expect(stderr).not.toContain(server.credentials.accessKeyId);
      expect(stderr).not.toContain(server.credentials.secretAccessKey);
    }
    expect(await s3(["cat", place])).toBe("1\n");
  });
});

it("append refuses an S3 server that does not check the version, unless there is one writer", async () => {
  const careless = await startS3({ require: "stand-in", standIn: { completionConditions: "ignored" } });
  try {
    const bucket = await freshBucket(careless, "careless");
    const env = s3Environment(careless);
    const all = `s3://${bucket}/all.msglc`;
    const one = `s3://${bucket}/one.msglc`;
    await output(["write", "-", one], { env, input: JSON.stringify("x".repeat(6_000_000)) });
    await output(["combine", all, `a=${one}`], { env });
    expect(await peekpack(["append", all, `b=${one}`], { env })).toMatchObject({
      status: 1,
      stderr: expect.stringMatching(/^peekpack: conflict: /),
    });
    await output(["append", "--sole-writer", all, `b=${one}`], { env });
    expect(JSON.parse(await output(["ls", "--json", all], { env }))).toHaveLength(2);
  } finally {
    await careless.close();
  }
});
