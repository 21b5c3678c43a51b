import { execFileSync, spawnSync } from "node:child_process";
import {
  appendFile,
  chmod,
  lstat,
  mkdtemp,
  readdir,
  readFile,
  readlink,
  rename,
  rm,
  stat,
  symlink,
  unlink,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { encodeArchive, openArchive, writeArchive } from "@peekpack/core";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { fileSink, fileSource } from "../src/index.js";

let directory: string;
let path: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "peekpack-file-"));
  path = join(directory, "an archive ü");
});
afterEach(() => rm(directory, { recursive: true }));

const names = async (): Promise<string[]> => (await readdir(directory)).sort();
/** How many files of the directory this process has open, by /proc. */
const openFiles = async (): Promise<number> => {
  const fds = `/proc/${process.pid}/fd`;
  const targets = (await readdir(fds)).map((fd) => readlink(join(fds, fd)).catch(() => ""));
  return (await Promise.all(targets)).filter((target) => target.startsWith(directory)).length;
};

describe("fileSource", () => {
  it("reads ranges, clips the probe, and rejects ranges beyond the end with truncated", async () => {
    await writeFile(path, "0123456789");
    const source = fileSource(path);
    const probe = await source.probe({ head: 3, tail: 100 });
    expect(probe).toMatchObject({ size: 10, version: expect.any(String) });
    expect(Buffer.from(probe.head).toString()).toBe("012");
    expect(Buffer.from(probe.tail).toString()).toBe("0123456789");
    const [a, none, b] = await source.read([
      { start: 8, end: 10 },
      { start: 4, end: 4 },
      { start: 0, end: 2 },
    ]);
    expect([a, none, b].map((bytes) => Buffer.from(bytes!).toString())).toEqual(["89", "", "01"]);
    await expect(source.read([{ start: 9, end: 11 }])).rejects.toMatchObject({ code: "truncated" });
    await expect(source.read([{ start: 3, end: 2 }])).rejects.toThrow(RangeError);
    await source.close?.();
    await expect(source.read([{ start: 0, end: 1 }])).rejects.toMatchObject({ code: "closed" });
  });

  it.each([
    ["was written to in place", () => writeFile(path, "9876543210")],
    ["has grown", () => appendFile(path, "more")],
    ["was truncated", () => writeFile(path, "0123")],
    [
      "was replaced by another of the same size",
      async () => {
        await writeFile(`${path}2`, "9876543210");
        await rename(`${path}2`, path);
      },
    ],
  ])("rejects with changed if the file %s", async (_, change) => {
    await writeFile(path, "0123456789");
    const source = fileSource(path);
    await source.read([{ start: 0, end: 3 }]);
    await change();
    await expect(source.read([{ start: 0, end: 3 }])).rejects.toMatchObject({ code: "changed" });
    await expect(source.probe({ head: 1, tail: 0 })).rejects.toMatchObject({ code: "changed" });
    await source.reopen!().read([{ start: 0, end: 3 }]);
    await source.close?.();
  });

  it("rejects with changed if the file is not the pinned version", async () => {
    await writeFile(path, "0123456789");
    const { version } = await fileSource(path).probe({ head: 0, tail: 0 });
    const source = fileSource(path);
    source.pin!({ size: 10, version });
    await source.read([{ start: 0, end: 1 }]);
    const other = fileSource(path);
    other.pin!({ version: "another" });
    await expect(other.read([{ start: 0, end: 1 }])).rejects.toMatchObject({ code: "changed" });
  });

  it("rejects with not-found if the file is missing", async () => {
    await expect(fileSource(path).probe({ head: 1, tail: 1 })).rejects.toMatchObject({ code: "not-found" });
    await writeFile(path, "0123456789");
    const source = fileSource(path);
    await source.read([{ start: 0, end: 1 }]);
    await unlink(path);
    await expect(source.read([{ start: 0, end: 1 }])).rejects.toMatchObject({ code: "not-found" });
  });

  it("closes its file when it is closed or idle", async ({ skip }) => {
    skip(process.platform !== "linux", "counts open files in /proc");
    await writeFile(path, encodeArchive({ a: 1 }));
    const source = fileSource(path);
    await source.read([{ start: 0, end: 1 }]);
    expect(await openFiles()).toBe(1);
    await source.close?.();
    expect(await openFiles()).toBe(0);
    const idle = fileSource(path);
    await idle.read([{ start: 0, end: 1 }]);
    await expect.poll(openFiles, { timeout: 10_000 }).toBe(0);
    await idle.read([{ start: 0, end: 1 }]);
  });

  it("keeps few files open, however many sources have been read", async ({ skip }) => {
    skip(process.platform !== "linux", "counts open files in /proc");
    await writeFile(path, "0123456789");
    const sources = Array.from({ length: 200 }, () => fileSource(path));
    for (const source of sources) await source.read([{ start: 0, end: 1 }]);
    expect(await openFiles()).toBeLessThanOrEqual(64);
    for (const source of sources) await source.read([{ start: 1, end: 2 }]);
    await Promise.all(sources.map((source) => source.close?.()));
    expect(await openFiles()).toBe(0);
  });

  it("opens an archive", async () => {
    await writeArchive(fileSink(path), { hello: ["world"] });
    const archive = await openArchive(fileSource(path));
    expect(await archive.read("hello/0")).toBe("world");
    await archive.close();
  });
});

describe("fileSink", () => {
  it("replaces a file only if its put mode allows it", async () => {
    const write = (value: unknown, put?: Parameters<typeof fileSink>[1]) =>
      writeArchive(fileSink(path, put), value);
    await expect(write(1, { put: { ifMatch: "none" } })).rejects.toMatchObject({ code: "changed" });
    const { version } = await write(1, { put: "create" });
    expect((await fileSource(path).probe({ head: 0, tail: 0 })).version).toBe(version);
    await expect(write(2, { put: "create" })).rejects.toMatchObject({ code: "exists" });
    expect(await readFile(path)).toEqual(Buffer.from(encodeArchive(1)));
    await write(2, { put: { ifMatch: version! } });
    await expect(write(3, { put: { ifMatch: version! } })).rejects.toMatchObject({ code: "changed" });
    expect(await readFile(path)).toEqual(Buffer.from(encodeArchive(2)));
    await write(3);
    expect(await readFile(path)).toEqual(Buffer.from(encodeArchive(3)));
    expect(await names()).toEqual(["an archive ü"]);
    expect(() => fileSink(path, { put: "replace" as never })).toThrow(TypeError);
  });

  it("rejects with exists if the file was created during the write", async () => {
    const sink = fileSink(path, { put: "create" });
    await sink.write(new Uint8Array(10));
    await writeFile(path, "other");
    await expect(sink.finish(new Uint8Array(50))).rejects.toMatchObject({ code: "exists" });
    expect(await readFile(path, "utf8")).toBe("other");
    expect(await names()).toEqual(["an archive ü"]);
  });

  it("keeps the permissions of a replaced file, and applies the umask to a new one", async () => {
    await writeArchive(fileSink(path), 1);
    expect((await stat(path)).mode & 0o777).toBe(0o666 & ~process.umask());
    await chmod(path, 0o640);
    await writeArchive(fileSink(path), 2);
    expect((await stat(path)).mode & 0o777).toBe(0o640);
  });

  it("writes through a symbolic link", async () => {
    await writeFile(path, "old");
    await symlink(path, join(directory, "link"));
    await writeArchive(fileSink(join(directory, "link")), 1);
    expect(await readFile(path)).toEqual(Buffer.from(encodeArchive(1)));
    expect(await names()).toEqual(["an archive ü", "link"]);
  });

  it("aborts an unfinished write at the end of its scope, and keeps a finished one", async () => {
    {
      await using sink = fileSink(path);
      await sink.write(new Uint8Array(10));
      expect(await names()).toHaveLength(1);
    }
    expect(await names()).toEqual([]);
    {
      await using sink = fileSink(path);
      await sink.finish(new Uint8Array(50));
      await using source = fileSource(path);
      await source.read([{ start: 0, end: 50 }]);
    }
    expect(await names()).toEqual(["an archive ü"]);
  });

  it("rejects with not-found if the directory is missing", async () => {
    await expect(writeArchive(fileSink(join(directory, "none", "x")), 1)).rejects.toMatchObject({
      code: "not-found",
    });
  });

  it("rejects with quota beyond maxBytes, and before the disk is full", async () => {
    const stream = function* (): Generator<string> {
      for (let index = 0; index < 100; index++) yield "x".repeat(100_000);
    };
    await expect(writeArchive(fileSink(path, { maxBytes: 500_000 }), stream())).rejects.toMatchObject({
      code: "quota",
    });
    await expect(writeArchive(fileSink(path, { expectedSize: 2 ** 60 }), 1)).rejects.toMatchObject({
      code: "quota",
    });
    expect(await names()).toEqual([]);
  });
});

describe.skipIf(process.platform === "win32")("fileSink with another target than a regular file", () => {
  const archive = Buffer.from(encodeArchive({ a: "x".repeat(100_000) }));
  const value = { a: "x".repeat(100_000) };

  it("copies the archive into a FIFO, and leaves the FIFO", async () => {
    execFileSync("mkfifo", [path]);
    const reading = readFile(path);
    expect(await writeArchive(fileSink(path), value)).toMatchObject({ size: archive.length });
    expect(await reading).toEqual(archive);
    expect((await stat(path)).isFIFO()).toBe(true);
    expect(await names()).toEqual(["an archive ü"]);
    await expect(writeArchive(fileSink(path, { put: "create" }), 1)).rejects.toMatchObject({
      code: "exists",
    });
  });

  // Links and devices of the test's own: a sink that replaced those of the machine would break it.
  it.skipIf(process.platform !== "linux")(
    "copies the archive to standard output, through any number of links",
    async () => {
      await symlink("/proc/self/fd/1", join(directory, "stdout"));
      await symlink("stdout", join(directory, "link"));
      const code = `
      import { writeArchive } from "@peekpack/core";
      import { fileSink } from "@peekpack/node-storage";
      await writeArchive(fileSink(process.argv[1]), { a: "x".repeat(100_000) });
    `;
      // The output of a child process of Node is a socket, which cannot be opened again: the shell makes a pipe.
      const shell = '"$0" --input-type=module -e "$1" "$2" | cat';
      for (const name of ["stdout", "link"]) {
        const target = join(directory, name);
        const output = execFileSync("bash", ["-c", shell, process.execPath, code, target], {
          cwd: join(import.meta.dirname, ".."),
        });
        expect(output).toEqual(archive);
        expect((await lstat(target)).isSymbolicLink()).toBe(true);
      }
    },
  );

  it("keeps a device", async ({ skip }) => {
    // The same device as /dev/null.
    const made = spawnSync("mknod", ["-m", "666", path, "c", "1", "3"]);
    skip(made.status !== 0, "this user cannot make devices");
    await writeArchive(fileSink(path), value);
    expect((await stat(path)).isCharacterDevice()).toBe(true);
    expect(await names()).toEqual(["an archive ü"]);
  });

  it("rejects with denied for a directory, and keeps it", async () => {
    await expect(writeArchive(fileSink(directory), value)).rejects.toMatchObject({ code: "denied" });
    expect((await stat(directory)).isDirectory()).toBe(true);
  });

  it("creates the file that a dangling link names", async () => {
    await symlink("an archive ü", join(directory, "link"));
    await writeArchive(fileSink(join(directory, "link")), value);
    expect((await lstat(join(directory, "link"))).isSymbolicLink()).toBe(true);
    expect(await readFile(path)).toEqual(archive);
  });
});

it("removes the temporary files of killed processes at the next write of the same name, and no others", async () => {
  const code = `
    import { fileSink } from "@peekpack/node-storage";
    await fileSink(process.argv[1]).write(new Uint8Array(10));
    process.kill(process.pid, "SIGKILL");
  `;
  for (const target of [path, join(directory, "another")]) {
    spawnSync(process.execPath, ["--input-type=module", "-e", code, target], {
      cwd: join(import.meta.dirname, ".."),
    });
  }
  const running = fileSink(path);
  await running.write(new Uint8Array(10));
  // The write has already removed the file of the killed process.
  expect((await names()).length).toBe(2);
  await writeArchive(fileSink(path), 1);
  expect((await names()).length).toBe(3);
  await running.abort();
  expect(await names()).toEqual([expect.stringMatching(/^\.another\..*\.tmp$/), "an archive ü"]);
});
