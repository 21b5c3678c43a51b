import { mkdtemp, readFile, rm, stat, utimes } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { withDirectoryLock } from "../src/cache/directory-lock.js";
import { fingerprint, loadVectors } from "../src/fixtures/load.js";
import { difference, fromTagged } from "../src/fixtures/notation.js";
import { skippedAsAbsent } from "../src/live.js";
import { livePython } from "../src/python/environment.js";
import { type ArchiveLocation, type MsglcPeer, startPeer } from "../src/python/peer.js";
import { runPython } from "../src/python/run.js";
import { freshBucket } from "../src/s3/client.js";
import { type S3Server, startS3 } from "../src/s3/launcher.js";
import { locateS3 } from "../src/s3/locate.js";

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "peekpack-test-"));
});
afterAll(() => rm(directory, { recursive: true }));

describe("the lock of the cache", () => {
  it("admits one holder at a time", async () => {
    const path = join(directory, "lock");
    let inside = 0;
    const seen: number[] = [];
    const enter = () =>
      withDirectoryLock(path, 20_000, async () => {
        inside += 1;
        seen.push(inside);
        await sleep(20);
        inside -= 1;
      });
    await Promise.all(Array.from({ length: 5 }, enter));
    expect(seen).toEqual([1, 1, 1, 1, 1]);
    await expect(stat(path)).rejects.toThrow();
  });

  it("takes over the lock of a dead process, and times out on a living one", async () => {
    const path = join(directory, "old-lock");
    const held = withDirectoryLock(path, 20_000, () => sleep(1000));
    await sleep(50);
    await expect(withDirectoryLock(path, 300, async () => {})).rejects.toThrow(/for too long/);
    await held;
    const never = withDirectoryLock(path, 20_000, async () => {
      await utimes(path, new Date(0), new Date(0));
      expect(await withDirectoryLock(path, 20_000, async () => "taken")).toBe("taken");
    });
    await never;
  });
});

const live = await livePython();
const skipped = skippedAsAbsent("the live msglc", live.absent);

describe.skipIf(skipped)("the live msglc", () => {
  let peer: MsglcPeer;
  beforeAll(async () => {
    peer = await startPeer();
  });
  afterAll(() => peer.close());

  it("has the version that made the fixtures", () => {
    expect(peer.versions).toMatchObject({ msglc: "261017", msgpack: "1.2.4", cbor2: "6.3.0" });
  });

  it.each(["python", "rust"] as const)(
    "writes and reads every vector with its %s backend",
    async (backend) => {
      const target = { file: join(directory, `vector-${backend}`) };
      for (const row of loadVectors()) {
        const { line, value, codec, threshold, trivial } = row;
        const write = peer.write({ target, value, codec, backend, threshold, trivial });
        if (row[backend] === undefined) {
          await expect(write, `line ${line}`).rejects.toThrow();
          continue;
        }
        await write;
        expect(fingerprint(await readFile(target.file)), `line ${line}`).toBe(row[backend]);
        // A set is written as a list.
        if (JSON.stringify(value).includes('"$set"')) continue;
        expect(difference(fromTagged(await peer.readAll(target)), value), `line ${line}`).toBeUndefined();
      }
    },
  );

  it("encodes the same bytes in memory as to a file", async () => {
    const value = { $map: [["hello", { $repeat: [{ $float: "0.5" }, 3000] }]] };
    for (const codec of ["msgpack", "msgspec", "cbor"] as const) {
      const target = { file: join(directory, "encoded") };
      await peer.write({ target, value: value as never, codec });
      const encoded = await peer.encode({ value: value as never, codec });
      expect(fingerprint(encoded)).toBe(fingerprint(await readFile(target.file)));
    }
  });

  it("returns a value or Python's error for each path", async () => {
    const target = { file: join(directory, "paths") };
    await peer.write({
      target,
      value: {
        $map: [
          ["a", [1, "two"]],
          ["b", { $int: "9007199254740993" }],
        ],
      },
      codec: "cbor",
    });
    const answers = await peer.read({ source: target, paths: ["a/1", ["a", 0], "b", "none", ["a", 9], ""] });
    expect(answers).toEqual([
      { value: "two" },
      { value: 1 },
      { value: { $int: "9007199254740993" } },
      { error: "KeyError: 'none'" },
      { error: "IndexError: list index out of range" },
      {
        value: {
          $map: [
            ["a", [1, "two"]],
            ["b", { $int: "9007199254740993" }],
          ],
        },
      },
    ]);
  });

  it("writes and reads numpy arrays as pickles", async () => {
    const target = { file: join(directory, "numpy") };
    const array = { $ndarray: { dtype: "int32", shape: [2, 3], data: [1, 2, 3, 4, 5, 6] } };
    // Only a leaf that is one byte string becomes an array again.
    await peer.write({ target, value: array, codec: "msgpack", numpyEncoder: true });
    const [answer] = await peer.read({ source: target, paths: [""], numpyEncoder: true });
    expect(answer?.value).toEqual(array);
  });

  it("rejects with Python's exception, and keeps working", async () => {
    const target = { file: join(directory, "refused") };
    const value = { $int: String(2n ** 65n) };
    await expect(peer.write({ target, value, codec: "msgpack" })).rejects.toMatchObject({
      type: "OverflowError",
    });
    await peer.write({ target, value: 1, codec: "msgpack" });
    expect(await peer.readAll(target)).toBe(1);
  });
});

describe.skipIf(skipped)("Python", () => {
  it("runs code and files with arguments, input and environment", async () => {
    const code = "import os, sys; print(sys.argv[1], sys.stdin.read(), os.environ['ADDED'])";
    expect(await runPython(code, { args: ["ä"], stdin: "in", env: { ADDED: "env" } })).toBe("ä in env\n");
  });

  it("rejects with Python's error output, and on timeout", async () => {
    await expect(runPython("raise ValueError('no way')")).rejects.toThrow(
      /exit code 1[\s\S]*ValueError: no way/,
    );
    await expect(runPython("import time; time.sleep(60)", { timeoutMs: 300 })).rejects.toThrow(/SIGKILL/);
  });
});

for (const kind of ["stand-in", "rustfs", "versitygw"] as const) {
  const { here, how } = kind === "stand-in" ? { here: true, how: "" } : await locateS3(kind);
  const absent = skippedAsAbsent(`msglc through s3fs on ${kind}`, here ? undefined : how);
  describe.skipIf(skipped || absent)(`msglc through s3fs on ${kind}`, () => {
    let server: S3Server;
    let peer: MsglcPeer;
    let bucket: string;
    beforeAll(async () => {
      server = await startS3({ require: kind, build: false });
      bucket = await freshBucket(server, "msglc");
      peer = await startPeer(server);
    });
    afterAll(async () => {
      await peer?.close();
      await server?.close();
    });
    const numbers = { $repeat: [7, 20_000] };

    it.each([
      ["msgpack", "python"],
      ["msgpack", "rust"],
      ["cbor", "python"],
      ["cbor", "rust"],
    ] as const)("writes %s there with the %s backend, and reads it", async (codec, backend) => {
      const target = { s3: `${bucket}/written-${codec}-${backend}.msglc` };
      const value = {
        $map: [
          ["k", "v"],
          ["numbers", numbers],
        ],
      };
      await peer.write({ target, value: value as never, codec, backend });
      const answers = await peer.read({ source: target, paths: ["k", "numbers/19999"] });
      expect(answers).toEqual([{ value: "v" }, { value: 7 }]);
    });

    it("combines and appends archives on S3 and in files", async () => {
      const there = { s3: `${bucket}/child.msglc` };
      const here = { file: join(directory, "child.msglc") };
      const target: ArchiveLocation = { s3: `${bucket}/combined.msglc` };
      await peer.write({ target: there, value: numbers as never, codec: "cbor" });
      await peer.write({ target: here, value: [1, 2, 3], codec: "msgpack" });
      await peer.combine({
        target,
        children: [
          { name: "there", source: there },
          { name: "here", source: here },
        ],
        codec: "msgpack",
      });
      await peer.append({
        target,
        children: [
          { name: "again", source: there },
          { name: "value", value: { $map: [["x", null]] } },
        ],
        codec: "msgpack",
      });
      const paths = ["there/19999", "here", "again/0", "value"];
      expect(await peer.read({ source: target, paths })).toEqual([
        { value: 7 },
        { value: [1, 2, 3] },
        { value: 7 },
        { value: { $map: [["x", null]] } },
      ]);
    });
  });
}
