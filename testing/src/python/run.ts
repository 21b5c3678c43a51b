import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { livePython } from "./environment.js";

export interface RunPythonOptions {
  readonly args?: readonly string[] | undefined;
  readonly stdin?: string | Uint8Array | undefined;
  /** Added to this process's environment. */
  readonly env?: Readonly<Record<string, string>> | undefined;
  /** Default 60,000. */
  readonly timeoutMs?: number | undefined;
}

/** What every Python here runs under: UTF-8, and nothing written beside the sources. */
export const pythonEnvironment: Readonly<Record<string, string>> = {
  PYTHONUTF8: "1",
  PYTHONDONTWRITEBYTECODE: "1",
};

/**
 * Runs a script with the Python of {@link livePython}: a file when it is a URL, else code.
 * @returns what it wrote on standard output
 * @throws Error with the last lines of standard error when it fails or takes too long
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
  // A script that ends without reading all of its input is no error.
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
