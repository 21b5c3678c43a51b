/**
 * `node testing/dist/fuzz/hostile-main.js [SCALE]` runs every operation on archives that are well-formed and hostile, each in a
 * process of its own, and prints what takes long, what hears an abort late, and what takes much memory. Exit code 1 for each
 * of them.
 */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { hostileArchives } from "./hostile-archives.js";
import { HOSTILE_OPERATIONS, type HostileOutcome, runHostile } from "./hostile-case.js";

const ABORT_AFTER_MS = 300;
/** A signal is heard within this time. */
const MAX_ABORT_MS = 100;
const MAX_GROWN_BYTES = 768 * 1024 * 1024;
/** An operation that does not end within this time hangs. */
const HANG_MS = 20_000;

const [first = "1", codec, number, operation] = process.argv.slice(2);
const scale = Number(first);
if (codec === "msgpack" || codec === "cbor") {
  const archive = hostileArchives(codec, scale)[Number(number)]!();
  console.log(JSON.stringify(await runHostile(archive, operation!, ABORT_AFTER_MS)));
  process.exit(0);
}

let faults = 0;
let runs = 0;
for (const protocol of ["msgpack", "cbor"] as const) {
  for (const [i, make] of hostileArchives(protocol, scale).entries()) {
    const { name } = make();
    for (const what of Object.keys(HOSTILE_OPERATIONS)) {
      const program = [fileURLToPath(import.meta.url), first, protocol, String(i), what];
      const { stdout, stderr, signal } = spawnSync(process.execPath, program, {
        encoding: "utf8",
        timeout: HANG_MS,
        killSignal: "SIGKILL",
      });
      runs++;
      const fault = signal === "SIGKILL" ? "hangs" : faultOf(stdout, stderr);
      if (fault === undefined) continue;
      faults++;
      console.log(`FAULT ${name}: ${what}: ${fault}`);
    }
  }
}
console.log(`hostile: ${runs} runs, ${faults} faults`);
process.exitCode = faults === 0 ? 0 : 1;

function faultOf(stdout: string, stderr: string): string | undefined {
  const line = stdout.trim().split("\n").at(-1) ?? "";
  if (!line.startsWith("{")) return stderr.trim().split("\n").slice(0, 8).join(" | ").slice(0, 300);
  const { outcome, abortMs, blockedMs, grownBytes } = JSON.parse(line) as HostileOutcome;
  const found = [
    ...(abortMs > MAX_ABORT_MS ? [`ends ${Math.round(abortMs)} ms after the abort`] : []),
    ...(blockedMs > MAX_ABORT_MS ? [`blocks timers for ${Math.round(blockedMs)} ms`] : []),
    ...(grownBytes > MAX_GROWN_BYTES ? [`takes ${Math.round(grownBytes / 1024 ** 2)} MiB`] : []),
  ];
  return found.length === 0 ? undefined : `${found.join(", ")} (${outcome})`;
}
