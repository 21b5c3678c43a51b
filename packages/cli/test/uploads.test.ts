/** pending, resume, discard, sweep and doctor, with the built command. */
import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { encodeArchive } from "@peekpack/core";
import { spoolSink } from "@peekpack/node-storage";
import { type S3Store, s3Store, type UploadTarget } from "@peekpack/s3";
import { freshBucket, type S3Server, startS3 } from "@peekpack/testing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type BuiltCommand, builtCommand, s3Environment } from "./built-command.js";

let built: BuiltCommand;
let server: S3Server;
let store: S3Store;
let bucket = "";
let env: NodeJS.ProcessEnv = {};

beforeAll(async () => {
  built = await builtCommand();
  server = await startS3({ require: "stand-in" });
  bucket = await freshBucket(server);
  store = s3Store({ ...server, writer: "fetch" });
  env = {
    ...s3Environment(server),
    HOME: built.folder,
    XDG_STATE_HOME: join(built.folder, "state"),
    TMPDIR: built.folder,
  };
});
afterAll(async () => {
  await server.close();
  await built.remove();
});

interface Pending {
  readonly id: string;
  readonly state: string;
  readonly target: string;
}

const pending = async (...options: string[]): Promise<Pending[]> =>
  JSON.parse(await built.output(["pending", "--json", ...options], { env })) as Pending[];

const archive = encodeArchive({ text: "some text ".repeat(1_200_000) });

/** Leaves an upload behind of which the server has some parts. @returns its directory */
async function interrupted(key: string): Promise<string> {
  const directory = join(built.folder, "spools");
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const target = store.target(`${bucket}/${key}`);
  const failing: UploadTarget = {
    ...target,
    uploadPart(upload, number, body, options) {
      if (number === 2) throw new Error("The machine is switched off.");
      return target.uploadPart(upload, number, body, options);
    },
  };
  const options = { directory, durable: true, partSize: 5 * 2 ** 20, threshold: 5 * 2 ** 20, concurrency: 1 };
  const sink = spoolSink(failing, options);
  await sink.write(archive.slice(50));
  await expect(sink.finish(archive.slice(0, 50))).rejects.toThrow("switched off");
  return directory;
}

describe("an upload that failed with --durable", () => {
  it("is listed by pending, and continued by resume", async () => {
    const place = `s3://${bucket}/durable.msglc`;
    expect(await pending()).toEqual([]);
    expect(await built.output(["pending"], { env })).toBe("");
    const failed = await built.run(["write", "--durable", "-", place], {
      input: '{"a": 1}',
      env: { ...env, AWS_SECRET_ACCESS_KEY: "wrong" },
    });
    expect(failed).toMatchObject({ status: 1, stderr: expect.stringContaining("denied") });
    const [upload, ...more] = await pending();
    expect(more).toEqual([]);
    expect(upload).toMatchObject({ state: "committing", target: expect.stringContaining("durable.msglc") });
    expect(await built.output(["pending"], { env })).toMatch(/^\S+ +committing .*durable\.msglc.*denied\n$/);
    // The endpoint is the recorded one.
    const { AWS_ENDPOINT_URL_S3: _, ...elsewhere } = env;
    const resumed = await built.output(["resume", upload!.id.slice(0, 12)], { env: elsewhere });
    expect(resumed).toBe(`${server.endpoint}/${bucket}/durable.msglc\n`);
    expect(await built.output(["cat", place], { env })).toBe('{"a":1}\n');
    expect(await pending()).toEqual([]);
  });

  it("does not keep resume --all from the others", async () => {
    for (const place of ["s3://no-such-bucket/a.msglc", `s3://${bucket}/second-try.msglc`]) {
      await built.run(["write", "--durable", "-", place], {
        input: "2",
        env: { ...env, AWS_SECRET_ACCESS_KEY: "wrong" },
      });
    }
    const { status, stdout, stderr } = await built.run(["resume", "--all"], { env });
    expect(status).toBe(1);
    expect(stdout.toString()).toBe(`${server.endpoint}/${bucket}/second-try.msglc\n`);
    expect(stderr).toMatch(/^peekpack: not-found: [^\n]*no-such-bucket[^\n]*\n$/);
    expect(await pending()).toHaveLength(1);
    await built.output(["discard", "--all"], { env });
    expect(await pending()).toEqual([]);
  });

  it("leaves nothing without --durable", async () => {
    await built.run(["write", "-", `s3://${bucket}/x`], {
      input: "1",
      env: { ...env, AWS_SECRET_ACCESS_KEY: "wrong" },
    });
    expect(await pending()).toEqual([]);
  });
});

describe("an interrupted upload", () => {
  it("is exported to a file, and resumed to another object, which removes the parts of the first", async () => {
    const directory = await interrupted("first.msglc");
    const [upload] = await pending("--directory", directory);
    expect(upload).toMatchObject({ state: "uploading" });
    const file = join(built.folder, "copy.msglc");
    const named = ["--directory", directory, upload!.id];
    expect(await built.output(["resume", "--to", file, ...named], { env })).toBe(`${file}\n`);
    expect(Buffer.compare(await readFile(file), archive)).toBe(0);
    await built.output(["resume", "--to", `s3://${bucket}/second.msglc`, ...named], { env });
    expect(await pending("--directory", directory)).toEqual([]);
    expect(await store.sweep(bucket, { olderThan: 0, dryRun: true, others: true })).toEqual([]);
    expect((await built.run(["info", `s3://${bucket}/first.msglc`], { env })).status).toBe(1);
    expect(await built.output(["verify", `s3://${bucket}/second.msglc`], { env })).toMatch(/^ok/);
  });

  it("is discarded, here and on the server", async () => {
    const directory = await interrupted("third.msglc");
    expect(await store.sweep(bucket, { olderThan: 0, dryRun: true, others: true })).toHaveLength(1);
    await built.output(["discard", "--all", "--directory", directory], { env });
    expect(await pending("--directory", directory)).toEqual([]);
    expect(await store.sweep(bucket, { olderThan: 0, dryRun: true, others: true })).toEqual([]);
  });

  it("that does not exist, or is not named, is an error", async () => {
    expect(await built.run(["resume", "nothing"], { env })).toMatchObject({
      status: 1,
      stderr: expect.stringMatching(/^peekpack: not-found: [^\n]*peekpack pending[^\n]*\n$/),
    });
    expect((await built.run(["resume"], { env })).status).toBe(2);
    expect((await built.run(["discard"], { env })).status).toBe(2);
    expect((await built.run(["discard", "--all", "x"], { env })).status).toBe(2);
  });
});

it("sweep lists and aborts old uploads that a crashed writer has left", async () => {
  const upload = await store.target(`${bucket}/swept/a`).createUpload({});
  const place = `s3://${bucket}/swept/`;
  expect(await built.output(["sweep", place], { env })).toBe("");
  const listed = await built.output(["sweep", "--dry-run", "--older-than", "0s", place], { env });
  expect(listed).toMatch(/^\d{4}-\S+Z {2}\S+ {2}swept\/a\n$/);
  expect(listed).toContain(upload.id);
  expect(
    JSON.parse(await built.output(["sweep", "--json", "--older-than", "0s", place], { env })),
  ).toHaveLength(1);
  expect(await built.output(["sweep", "--older-than", "0s", place], { env })).toBe("");
  for (const wrong of [
    ["sweep", "file"],
    ["sweep", "--older-than", "soon", place],
    ["doctor", "https://x"],
  ]) {
    expect((await built.run(wrong, { env })).status).toBe(2);
  }
});

describe("doctor", () => {
  it("says in words what a bucket supports", async () => {
    const text = await built.output(["doctor", `s3://${bucket}`], { env });
    expect(text).toContain(`${server.endpoint}/${bucket}`);
    expect(text).toMatch(/^ok +reach +\S+/m);
    expect(text).toMatch(/^ok +conditionalCreate +/m);
    const json = JSON.parse(await built.output(["doctor", "--json", `s3://${bucket}`], { env })) as object;
    expect(json).toMatchObject({ ranges: { supported: true }, missing: expect.any(Array) });
  });

  it("says what is wrong with the credentials or the bucket, and exits with 1", async () => {
    const wrong = await built.run(["doctor", `s3://${bucket}`], {
      env: { ...env, AWS_SECRET_ACCESS_KEY: "wrong-secret" },
    });
    expect(wrong.status).toBe(1);
    expect(wrong.stdout.toString()).toMatch(/^missing +credentials +\S+/m);
    expect(wrong.stdout.toString()).not.toContain("wrong-secret");
    const absent = await built.run(["doctor", "s3://no-such-bucket"], { env });
    expect(absent.status).toBe(1);
    expect(absent.stdout.toString()).toMatch(/^missing +bucket +\S+/m);
  });
});
