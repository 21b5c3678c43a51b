import { execFileSync } from "node:child_process";
import {
  chmod,
  chown,
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  symlink,
  utimes,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import { encodeArchive, PeekpackError, writeArchive } from "@peekpack/core";
import { type MemoryTarget, memoryTarget } from "@peekpack/testing/contracts/memory-target";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import {
  discardUpload,
  durableSpoolDirectory,
  exportUpload,
  fileSink,
  type PendingUpload,
  pendingUploads,
  resumeUpload,
  type SpoolSinkOptions,
  spoolSink,
} from "../src/index.js";

const MiB = 2 ** 20;
const PART = 5 * MiB;
const rows = Array.from({ length: 130 }, (_, index) => ({
  index,
  text: String.fromCharCode(97 + (index % 26)).repeat(100_000),
}));
const whole = encodeArchive(rows);
const root = process.getuid?.() === 0;

let directory: string;
let target: MemoryTarget;
let options: SpoolSinkOptions;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "peekpack-safety-"));
  target = memoryTarget();
  options = { directory, partSize: PART, concurrency: 1, durable: true };
});
afterEach(() => rm(directory, { recursive: true }));

/** Makes the upload of a durable spool fail at a call, and lists what is left. */
async function failAt(
  call: string,
  code: "denied" | "exists" = "denied",
  value: unknown = rows,
): Promise<PendingUpload> {
  target.before = (name) => {
    if (name === call) throw new PeekpackError(code, "The test refuses.");
  };
  await expect(writeArchive(spoolSink(target, options), value)).rejects.toMatchObject({ code });
  target.before = () => {};
  return (await pendingUploads({ directory })).at(-1)!;
}

const isWhole = (object: Uint8Array | undefined): boolean =>
  object !== undefined && Buffer.compare(object, whole) === 0;

/** Rewrites a journal line by line, with valid checksums. */
async function rewriteJournal(
  path: string,
  change: (entry: Record<string, unknown>) => object,
): Promise<void> {
  const file = join(path, "journal");
  const lines = (await readFile(file, "utf8")).split("\n").filter((line) => line !== "");
  const changed = lines.map((line, i) => {
    const text = `${i + 1} ${JSON.stringify(change(JSON.parse(line.slice(line.indexOf("{")))))}`;
    return `\n${crc32(text).toString(16).padStart(8, "0")} ${text}\n`;
  });
  await writeFile(file, changed.join(""));
}

describe("a spool directory", () => {
  it("that other users can write to is refused for listing, writing, resuming and discarding", async () => {
    const pending = await failAt("uploadPart 2");
    await chmod(directory, 0o777);
    const denied = { code: "denied", section: "spool" };
    await expect(pendingUploads({ directory })).rejects.toMatchObject(denied);
    await expect(writeArchive(spoolSink(target, options), 1)).rejects.toMatchObject(denied);
    await expect(resumeUpload(pending, target)).rejects.toMatchObject(denied);
    await expect(discardUpload(pending, target)).rejects.toMatchObject(denied);
    expect(target.object).toBeUndefined();
    // In a sticky directory nobody can replace another user's spool.
    await chmod(directory, 0o1777);
    await resumeUpload(pending, target);
    expect(isWhole(target.object)).toBe(true);
  });

  it.skipIf(!root)("of another user is refused, and spools of other users are not listed", async () => {
    const pending = await failAt("uploadPart 2");
    await chmod(directory, 0o1777);
    await chown(pending.path, 65534, 65534);
    expect(await pendingUploads({ directory })).toEqual([]);
    await expect(resumeUpload(pending, target)).rejects.toMatchObject({ code: "denied" });
    await expect(discardUpload(pending, target)).rejects.toMatchObject({ code: "denied" });
    await chown(directory, 65534, 65534);
    await expect(pendingUploads({ directory })).rejects.toMatchObject({ code: "denied" });
    expect((await lstat(pending.path)).isDirectory()).toBe(true);
  });
});

describe("a planted spool", () => {
  it.each(["body", "journal"])(
    "whose %s is a symbolic link is neither uploaded nor removed",
    async (name) => {
      const pending = await failAt("uploadPart 2");
      const secret = join(directory, "secret");
      await rename(join(pending.path, name), secret);
      await symlink(secret, join(pending.path, name));
      target.calls.length = 0;
      expect(await pendingUploads({ directory })).toMatchObject([
        { path: pending.path, state: "unsupported", problem: expect.stringContaining(name) },
      ]);
      await expect(resumeUpload(pending, target)).rejects.toMatchObject({ code: "denied" });
      await expect(discardUpload(pending, target)).rejects.toMatchObject({ code: "denied" });
      expect(target.calls).toEqual([]);
      expect((await stat(secret)).size).toBeGreaterThan(0);
    },
  );

  it("that other users can write to is neither uploaded nor removed", async () => {
    const pending = await failAt("uploadPart 2");
    await chmod(pending.path, 0o777);
    await expect(resumeUpload(pending, target)).rejects.toMatchObject({ code: "denied" });
    await expect(discardUpload(pending, target)).rejects.toMatchObject({ code: "denied" });
    await chmod(pending.path, 0o700);
    await chmod(join(pending.path, "body"), 0o666);
    await expect(resumeUpload(pending, target)).rejects.toMatchObject({ code: "denied" });
    expect(target.object).toBeUndefined();
  });

  it("is created so that only its owner can read it", async () => {
    const pending = await failAt("uploadPart 2");
    expect((await stat(pending.path)).mode & 0o077).toBe(0);
    for (const name of await readdir(pending.path)) {
      expect((await stat(join(pending.path, name))).mode & 0o077).toBe(0);
    }
  });
});

describe("discardUpload", () => {
  it("removes nothing but spools", async () => {
    const photos = join(directory, "photos");
    const named = join(directory, "mb0000000-0123456789ab");
    for (const path of [photos, named]) {
      await mkdir(path, { mode: 0o700 });
      await writeFile(join(path, "photo.jpg"), "precious");
      await expect(discardUpload({ path })).rejects.toMatchObject({ code: "denied" });
      expect(await readFile(join(path, "photo.jpg"), "utf8")).toBe("precious");
    }
    const nested = join(directory, "mb0000000-aaaaaaaaaaaa");
    await mkdir(join(nested, "owner.1"), { recursive: true, mode: 0o700 });
    await expect(discardUpload({ path: nested })).rejects.toMatchObject({ code: "denied" });
    expect(await readdir(nested)).toEqual(["owner.1"]);
    await discardUpload({ path: join(directory, "mb0000000-999999999999") });
  });
});

describe("a damaged spool", () => {
  it("never uploads other bytes, whichever bit of its journal flips", async () => {
    const pending = await failAt("uploadPart 3");
    const file = join(pending.path, "journal");
    const sound = await readFile(file);
    const state = structuredClone([...target.uploads]);
    const outcomes = new Set<string>();
    for (let at = 0; at < sound.length; at += 7) {
      const flipped = Buffer.from(sound);
      flipped[at]! ^= 1 << (at % 8);
      await writeFile(file, flipped);
      target.object = undefined;
      const outcome = await resumeUpload(pending, target).then(
        () => "uploaded",
        (error: { code: string }) => error.code,
      );
      outcomes.add(outcome);
      if (outcome === "uploaded") expect(isWhole(target.object)).toBe(true);
      else expect(target.object).toBeUndefined();
      target.uploads.clear();
      for (const [id, parts] of structuredClone(state)) target.uploads.set(id, parts);
    }
    expect(outcomes).toContain("corrupt");
  }, 120_000);

  it("rejects with corrupt if a bit of its body flips or its body was zeroed", async () => {
    const pending = await failAt("uploadPart 1");
    const body = join(pending.path, "body");
    const sound = await readFile(body);
    const flipped = Buffer.from(sound);
    flipped[7 * MiB]! ^= 4;
    for (const bytes of [flipped, Buffer.alloc(sound.length)]) {
      await writeFile(body, bytes);
      await expect(resumeUpload(pending, target)).rejects.toMatchObject({
        code: "corrupt",
        section: "spool",
      });
      expect(target.object).toBeUndefined();
    }
    await writeFile(body, sound);
    await resumeUpload(pending, target);
    expect(isWhole(target.object)).toBe(true);
  });

  it("is listed with its problem, hides no other, and can be discarded", async () => {
    const first = await failAt("uploadPart 2");
    const second = await failAt("uploadPart 2");
    const journal = await readFile(join(first.path, "journal"));
    journal[journal.length >> 1]! ^= 1;
    await writeFile(join(first.path, "journal"), journal);
    const listed = await pendingUploads({ directory });
    expect(listed.map(({ id, state }) => [id, state]).sort()).toEqual(
      [
        [first.id, "damaged"],
        [second.id, "uploading"],
      ].sort(),
    );
    const damaged = listed.find(({ id }) => id === first.id)!;
    expect(damaged.problem).toContain("journal");
    await expect(resumeUpload(damaged, target)).rejects.toMatchObject({ code: "corrupt" });
    await discardUpload(damaged);
    expect((await pendingUploads({ directory })).map(({ id }) => id)).toEqual([second.id]);
  });

  it.each([
    ["a part size of 0", (entry: object) => ("partSize" in entry ? { ...entry, partSize: 0 } : entry)],
    [
      "a part without a number",
      (entry: object) => ("part" in entry ? { part: { size: 1, etag: "" } } : entry),
    ],
    ["an unknown entry", (entry: object) => ("failure" in entry ? { other: 1 } : entry)],
  ])("is listed as such if its journal has %s", async (_, change) => {
    const pending = await failAt("uploadPart 2");
    await rewriteJournal(pending.path, change);
    expect(await pendingUploads({ directory })).toMatchObject([{ state: "damaged" }]);
    await expect(resumeUpload(pending, target)).rejects.toMatchObject({ code: "corrupt" });
  });

  it("is listed although its owner cannot be read, but not while that may be a new one", async () => {
    const pending = await failAt("uploadPart 2");
    const owners = (await readdir(pending.path)).filter((name) => name.startsWith("owner."));
    for (const name of owners) await writeFile(join(pending.path, name), "{");
    expect(await pendingUploads({ directory })).toEqual([]);
    const before = new Date(Date.now() - 3_600_000);
    await utimes(pending.path, before, before);
    expect(await pendingUploads({ directory })).toMatchObject([{ id: pending.id }]);
  });

  it("of a living process stays its own, whichever bit of its owner flips", async () => {
    const sink = spoolSink(target, options);
    await sink.write(new Uint8Array(10));
    const [name] = await readdir(directory);
    const path = join(directory, name!);
    const owner = join(path, "owner.1");
    const sound = await readFile(owner);
    for (let bit = 0; bit < sound.length * 8; bit += 5) {
      const flipped = Buffer.from(sound);
      flipped[bit >> 3]! ^= 1 << (bit & 7);
      await writeFile(owner, flipped);
      expect(await pendingUploads({ directory })).toEqual([]);
    }
    await writeFile(owner, sound);
    await sink.abort();
  });

  it("is released by its owner although an earlier version wrote the owner without a checksum", async () => {
    const pending = await failAt("uploadPart 2");
    const owner = join(pending.path, "owner.1");
    const { crc32: _, ...identity } = JSON.parse(await readFile(owner, "utf8"));
    await writeFile(owner, JSON.stringify(identity));
    await resumeUpload(pending, target);
    expect(isWhole(target.object)).toBe(true);
  });

  it("is resumed if only its last line is incomplete", async () => {
    const pending = await failAt("uploadPart 2");
    const journal = await readFile(join(pending.path, "journal"));
    await writeFile(
      join(pending.path, "journal"),
      Buffer.concat([journal, Buffer.from('\n1234abcd 9 {"comm')]),
    );
    await resumeUpload(pending, target);
    expect(isWhole(target.object)).toBe(true);
  });
});

it("keeps a spool of another layout, and names the layout", async () => {
  const pending = await failAt("uploadPart 2");
  await rewriteJournal(pending.path, (entry) => ("v" in entry ? { v: 3, more: true } : entry));
  expect(await pendingUploads({ directory })).toMatchObject([
    { state: "unsupported", problem: expect.stringContaining("layout 3") },
  ]);
  await expect(resumeUpload(pending, target)).rejects.toMatchObject({ code: "denied" });
  await expect(discardUpload(pending, target)).rejects.toMatchObject({ code: "denied" });
  expect((await readdir(pending.path)).sort()).toContain("body");
});

describe("a spool that was refused by exists", () => {
  it("is resumed with another write condition, without sending its parts again", async () => {
    target = memoryTarget("s3://bucket/key", "create");
    const pending = await failAt("completeUpload", "exists");
    expect(pending).toMatchObject({ state: "committing", put: "create", failure: "exists" });
    const overwrite: MemoryTarget = Object.assign(target, { put: "overwrite" });
    await expect(resumeUpload(pending, overwrite)).rejects.toBeInstanceOf(TypeError);
    target.calls.length = 0;
    await resumeUpload(pending, overwrite, { changeTarget: true });
    expect(target.calls).toEqual(["listParts", "completeUpload"]);
    expect(isWhole(target.object)).toBe(true);
    expect(await pendingUploads({ directory })).toEqual([]);
  });

  it("is resumed under another key, and its parts under the old key are removed", async () => {
    const pending = await failAt("completeUpload", "exists");
    const other = memoryTarget("s3://bucket/other");
    await expect(resumeUpload(pending, other, { changeTarget: true })).rejects.toBeInstanceOf(TypeError);
    expect(target.uploads.size).toBe(1);
    await resumeUpload(pending, other, { changeTarget: true, previousTarget: target });
    expect(target.uploads.size).toBe(0);
    expect(target.object).toBeUndefined();
    expect(isWhole(other.object)).toBe(true);
  });

  it("is exported to a file", async () => {
    const pending = await failAt("completeUpload", "exists");
    const file = join(directory, "exported");
    expect(await exportUpload(pending, fileSink(file))).toMatchObject({ size: whole.length });
    expect(Buffer.compare(await readFile(file), whole)).toBe(0);
    expect(await pendingUploads({ directory })).toEqual([pending]);
    const body = await readFile(join(pending.path, "body"));
    body[9 * MiB]! ^= 1;
    await writeFile(join(pending.path, "body"), body);
    await expect(exportUpload(pending, fileSink(file))).rejects.toMatchObject({ code: "corrupt" });
    expect(Buffer.compare(await readFile(file), whole)).toBe(0);
  });
});

it("rejects with the error of the upload if the journal fails when it is abandoned", async () => {
  target.before = async (name) => {
    if (name === "uploadPart 2") throw new PeekpackError("quota", "The test refuses.");
    if (name !== "abortUpload") return;
    const [spool] = await readdir(directory);
    await rm(join(directory, spool!, "journal"));
    await mkdir(join(directory, spool!, "journal"));
  };
  await expect(writeArchive(spoolSink(target, { ...options, durable: false }), rows)).rejects.toMatchObject({
    code: "quota",
  });
});

it("stores durable spools below the state directory of the user by default", async () => {
  vi.stubEnv("XDG_STATE_HOME", join(directory, "state"));
  try {
    expect(durableSpoolDirectory()).toBe(join(directory, "state", "peekpack", "spool"));
    target.before = () => {
      throw new PeekpackError("denied", "The test refuses.");
    };
    await expect(writeArchive(spoolSink(target, { durable: true }), 1)).rejects.toMatchObject({
      code: "denied",
    });
    const [pending] = await pendingUploads();
    expect(pending).toMatchObject({ directory: durableSpoolDirectory(), state: "committing" });
    await discardUpload(pending!, target);
  } finally {
    vi.unstubAllEnvs();
  }
});

it("reports too many open files as limit", () => {
  // In a process of its own, with few files allowed.
  const code = `
    import { open } from "node:fs/promises";
    import { fileSource } from "@peekpack/node-storage";
    const handles = [];
    try { for (;;) handles.push(await open("/dev/null")); } catch {}
    await fileSource(process.execPath).read([{ start: 0, end: 1 }]).catch((error) => { handles.pop().close(); console.log(error.code); });
  `;
  const output = execFileSync(
    "bash",
    ["-c", 'ulimit -n 256; exec "$0" --input-type=module -e "$1"', process.execPath, code],
    { cwd: join(import.meta.dirname, "..") },
  );
  expect(output.toString().trim()).toBe("limit");
});
