import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";

const run = promisify(execFile);
const demo = fileURLToPath(new URL("../dist/demo.js", import.meta.url));

/** A row of the table: requests, round trips, bytes. */
function row(output: string, name: string): number[] {
  const line = output.split("\n").find((text) => text.startsWith(name)) ?? "";
  return line
    .slice(name.length)
    .trim()
    .split(/\s{2,}/)
    .slice(0, 3)
    .map((cell) => Number(cell.replaceAll(",", "")));
}

describe("the demonstration", () => {
  it("reads values of real data in 4 requests, 2 round trips and 640 KiB at most", async () => {
    const { stdout, stderr } = await run(process.execPath, [demo], { timeout: 120_000 });
    expect(stderr).toBe("");
    expect(stdout).toMatch(/^S3: .+because/m);
    expect(stdout).toContain('read back: {"hello":"world"}');
    expect(stdout).toContain("uploading");
    for (const name of ["the first value, by ranges", "the second, by ranges"]) {
      const [requests, roundTrips, bytes] = row(stdout, name);
      expect(requests).toBeLessThanOrEqual(4);
      expect(roundTrips).toBeLessThanOrEqual(2);
      expect(bytes).toBeLessThanOrEqual(640 * 1024);
    }
    const [requests, , bytes] = row(stdout, "the first, from the whole object");
    expect(requests).toBe(1);
    expect(bytes).toBeGreaterThan(16_000_000);
  });
});
