import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { livePython } from "./environment.js";

export interface RunPythonOptions {
  readonly args?: readonly string[] | undefined;
  readonly stdin?: string | Uint8Array | undefined;
  /** Added to the environment of this process. */
  readonly env?: Readonly<Record<string, string>> | undefined;
  /** Default 60,000. */
  readonly timeoutMs?: number | undefined;
}

/** Environment of every Python process: UTF-8, no bytecode files. */
export const pythonEnvironment: Readonly<Record<string, string>> = {
  PYTHONUTF8: "1",
  PYTHONDONTWRITEBYTECODE: "1",
};

/**
 * Runs a script with the Python of {@link livePython}. A URL is a file, a string is code.
 * @returns its standard output
 * @throws Error with the last lines of standard error if it fails or times out
 */
export async function runPython(script: URL | string, options: RunPythonOptions = {}): Promise<string> {
  const live = await livePython();
  if (live.absent !== undefined) throw new Error(`no live Python: ${live.absent}`);
  const first = typeof script === "string" ? ["-c", script] : [fileURLToPath(script)];
  const child = spawn(live.python, [...first, ...(options.args ?? [])], {
    env: { ...process.env, ...pythonEnvironment, ...options.env },
    timeout: options.timeoutMs ?? 60_000,
    killSignal: "SIGKILL",
  });
  const out: Buffer[] = [];
  const err: Buffer[] = [];
  child.stdout.on("data", (piece: Buffer) => out.push(piece));
  child.stderr.on("data", (piece: Buffer) => err.push(piece));
  // A script may exit without reading all of its input.
  child.stdin.on("error", () => {});
  child.stdin.end(options.stdin ?? "");
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code, signal) => {
      if (code === 0) return resolve(Buffer.concat(out).toString("utf8"));
      const last = Buffer.concat(err).toString("utf8").trim().split("\n").slice(-15).join("\n");
      reject(new Error(`python ended with ${signal ?? `exit code ${code}`}:\n${last}`));
    });
  });
}
