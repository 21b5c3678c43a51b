/**
 * Memory and rate of `peekpack write` for a large JSON document. Run it by `node benchmarks/dist/write-json.js [MiB]`; the
 * default is 2048. The rate is compared with that of `JSON.parse` for a document of at most 128 MiB of the same kind. Both are
 * processor times of whole processes, so that other load on the machine does not count. Needs Linux (/proc).
 */
import { execFileSync } from "node:child_process";
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, statSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const COMMAND = fileURLToPath(new URL("../../packages/cli/bin/peekpack.js", import.meta.url));
/** Run before the command: it records peak memory in kB and processor time in microseconds at the end. */
const RECORDER = `import { readFileSync, writeFileSync } from "node:fs";
process.on("exit", () => {
  const peak = Number(/VmHWM:\\s+(\\d+)/.exec(readFileSync("/proc/self/status", "utf8"))[1]);
  const { user, system } = process.cpuUsage();
  writeFileSync(process.env.RECORD, JSON.stringify({ peak, cpu: user + system }));
});`;

interface Usage {
  /** Peak memory in MB. */
  readonly peak: number;
  /** Processor time in seconds. */
  readonly cpu: number;
}

/** Writes a document of records, as a list or as an object. */
function writeDocument(path: string, bytes: number, isObject: boolean): void {
  const file = openSync(path, "w");
  const put = (text: string): number => writeSync(file, text);
  let written = put(`{"meta":{"version":1},"entries":${isObject ? "{" : "["}`);
  for (let i = 0; written < bytes; ) {
    let text = "";
    for (let k = 0; k < 2000; k++, i++) {
      const record = {
        id: i,
        name: `entry number ${i}`,
        energy: (i * 1.37) / 7,
        tags: ["alpha", "beta"],
        position: { x: i / 3, y: -i / 9, z: 0 },
        ok: i % 2 === 0,
      };
      text += `${i === 0 ? "" : ","}${isObject ? `"key ${i}":` : ""}${JSON.stringify(record)}`;
    }
    written += put(text);
  }
  put(isObject ? "}}" : "]}");
  closeSync(file);
}

function usageOf(argv: readonly string[], folder: string): Usage {
  const record = join(folder, "record.json");
  const recorder = `data:text/javascript,${encodeURIComponent(RECORDER)}`;
  execFileSync(process.execPath, ["--import", recorder, ...argv], {
    env: { ...process.env, RECORD: record },
    stdio: ["ignore", "inherit", "inherit"],
  });
  const { peak, cpu } = JSON.parse(readFileSync(record, "utf8")) as Usage;
  return { peak: peak / 1000, cpu: cpu / 1e6 };
}

const mebibytes = Number(process.argv[2] ?? 2048);
const folder = mkdtempSync(join(tmpdir(), "peekpack-json-"));
try {
  for (const isObject of [false, true]) {
    const input = join(folder, "input.json");
    const small = join(folder, "small.json");
    writeDocument(input, mebibytes * 2 ** 20, isObject);
    writeDocument(small, Math.min(mebibytes, 128) * 2 ** 20, isObject);
    const parse = `JSON.parse(require("node:fs").readFileSync(${JSON.stringify(small)}, "utf8"))`;
    const idle = usageOf(["-e", ""], folder);
    const parsed = usageOf(["-e", parse], folder);
    const written = usageOf([COMMAND, "write", input, join(folder, "out.msglc")], folder);
    const parseRate = statSync(small).size / 1e6 / (parsed.cpu - idle.cpu);
    const rate = statSync(input).size / 1e6 / (written.cpu - idle.cpu);
    console.log(
      `${isObject ? "object" : "list"} of records, ${mebibytes} MiB: peak ${written.peak.toFixed(0)} MB, ` +
        `${rate.toFixed(1)} MB/s of processor time; JSON.parse ${parseRate.toFixed(1)} MB/s; ` +
        `ratio ${(rate / parseRate).toFixed(2)}`,
    );
  }
} finally {
  rmSync(folder, { recursive: true });
}
