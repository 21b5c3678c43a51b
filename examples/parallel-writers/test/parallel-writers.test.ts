import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, it } from "vitest";

it("writes shards from several processes and combines them on the server", async () => {
  const main = fileURLToPath(new URL("../dist/main.js", import.meta.url));
  // `npm test` builds first.
  expect(existsSync(main)).toBe(true);
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [main, "--writers", "3", "--samples", "20000"],
    {
      timeout: 110_000,
    },
  );
  expect(stdout).toMatch(/3 processes wrote [\d.]+ MB straight to S3/);
  const copied = Number(/the server copied ([\d.]+) MB/.exec(stdout)![1]);
  const size = Number(/combined into ([\d.]+) MB/.exec(stdout)![1]);
  expect(copied).toBeGreaterThan(size / 2);
  expect(stdout).toContain("removed 3 shards");
  expect(stdout).toMatch(/shard-2\/samples\/-1\/energy is -\d+\.\d+: \d requests/);
}, 120_000);
