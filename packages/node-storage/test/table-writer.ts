/** Streams an archive of many small entries to a file, and prints the peak of its memory. */
import { readFileSync } from "node:fs";
import { mapOf, writeArchive } from "@peekpack/core";
import { fileSink } from "../src/index.js";

const { file, count } = JSON.parse(process.argv[2]!) as { file: string; count: number };
function* entries(): Generator<[string, unknown]> {
  for (let i = 0; i < count; i++) yield [`entry ${i}`, { value: i, name: "abc" }];
}
await writeArchive(fileSink(file), mapOf(entries(), { count }), { smallObjectThreshold: 16, trivialSize: 8 });
let peak: number | undefined;
try {
  peak = Number(/^VmHWM:\s*(\d+)/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1]) * 1024;
} catch {
  // Only Linux reports it.
}
process.stdout.write(JSON.stringify({ peak }));
