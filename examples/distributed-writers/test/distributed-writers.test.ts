import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { freshBucket, liveRequired, locateRedis, removeBucket, startS3 } from "@peekpack/testing";
import { expect, it } from "vitest";

const program = (name: string): string => {
  const path = fileURLToPath(new URL(`../dist/programs/${name}.js`, import.meta.url));
  // `npm test` builds first.
  expect(existsSync(path)).toBe(true);
  return path;
};

const run = promisify(execFile);

it("loses and doubles no entry when a worker is killed and the queue restarts", async (context) => {
  const { absent } = await locateRedis();
  if (absent !== undefined && !liveRequired()) context.skip(absent);
  const options = ["--workers", "4", "--shards", "200", "--entries", "5", "--work", "4", "--lock", "1500"];
  const mishaps = process.env.REDIS_URL ? ["--kill", "1"] : ["--kill", "1", "--restart-queue"];
  // rustfs without optimization takes twice as long. Its turn is in the tests of parallel-writers.
  const env = { ...process.env, RUSTFS_BIN: "" };
  const { stdout } = await run(process.execPath, [program("local"), ...options, ...mishaps], {
    timeout: 110_000,
    env,
  });
  expect(stdout).toContain("killed 1 of 4 workers");
  if (!process.env.REDIS_URL) expect(stdout).toContain("killed the queue's server, and started it again");
  const [, written, found] = /(\d+) shards were written by .*, (\d+) were found/.exec(stdout) ?? [];
  expect(Number(written) + Number(found)).toBe(200);
  expect(stdout).toContain("every one of 1000 entries is there once; page index:");
}, 120_000);

it("writes a numbered shard once under Kubernetes and Slurm, refuses a foreign one, and combines", async () => {
  const server = await startS3({ require: "stand-in" });
  const bucket = await freshBucket(server, "array");
  const { accessKeyId, secretAccessKey } = server.credentials;
  const { JOB_COMPLETION_INDEX: _, SLURM_ARRAY_TASK_ID: __, ...inherited } = process.env;
  const start = async (name: string, env: Record<string, string>, ...more: string[]): Promise<string> => {
    const access = {
      AWS_ENDPOINT_URL_S3: server.endpoint,
      AWS_REGION: server.region,
      AWS_ACCESS_KEY_ID: accessKeyId,
      AWS_SECRET_ACCESS_KEY: secretAccessKey,
    };
    const args = [program(name), `s3://${bucket}/run`, "--shards", "2", ...more];
    return (await run(process.execPath, args, { env: { ...inherited, ...access, ...env }, timeout: 50_000 }))
      .stdout;
  };
  try {
    const kubernetes = { JOB_COMPLETION_INDEX: "0" };
    expect(await start("array-task", kubernetes)).toBe("shard-000000: written\n");
    expect(await start("array-task", kubernetes)).toBe("shard-000000: found\n");
    await expect(start("array-task", kubernetes, "--entries", "3")).rejects.toThrow(/another shard/);
    await expect(start("array-task", {})).rejects.toThrow(/JOB_COMPLETION_INDEX or SLURM_ARRAY_TASK_ID/);
    await expect(start("combine", {})).rejects.toThrow(/not-found/);
    expect(await start("array-task", { SLURM_ARRAY_TASK_ID: "1" })).toBe("shard-000001: written\n");
    expect(await start("combine", {})).toMatch(/all\.msglc is written/);
    expect(await start("combine", {})).toMatch(/all\.msglc exists/);
  } finally {
    await removeBucket(server, bucket);
    await server.close();
  }
}, 120_000);
