import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

/** An example that was started by its command, and has printed the URL of its page. */
export interface ServedExample {
  readonly url: string;
  /** All that it has printed so far. */
  output(): string;
  /** Ends it as Ctrl-C does. @throws Error if it ends with another exit code than 0 */
  close(): Promise<void>;
}

const START_MS = 50_000;

/**
 * Runs the program of an example, and waits until it prints the URL of its page.
 * @param program path of the program below the repository
 * @throws Error with the program's output if it ends before, or takes longer than 50 seconds
 */
export async function serveExample(program: string, args: readonly string[] = []): Promise<ServedExample> {
  const file = fileURLToPath(new URL(`../${program}`, import.meta.url));
  // Playwright sets FORCE_COLOR, and colors would be part of the URL.
  const { FORCE_COLOR: _, ...inherited } = process.env;
  const child: ChildProcess = spawn(process.execPath, [file, ...args], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...inherited, NO_COLOR: "1" },
  });
  let output = "";
  const url = await new Promise<string>((resolve, reject) => {
    const fail = (why: string): void => {
      clearTimeout(late);
      child.kill("SIGKILL");
      reject(new Error(`${program} ${why}:\n${output}`));
    };
    const late: NodeJS.Timeout = setTimeout(
      () => fail("did not print the URL of its page in time"),
      START_MS,
    );
    const read = (chunk: Buffer): void => {
      output += chunk.toString();
      const found = /(?:The page|Local): +(\S+)/.exec(output);
      if (found === null) return;
      clearTimeout(late);
      resolve(found[1]!);
    };
    child.stdout!.on("data", read);
    child.stderr!.on("data", read);
    child.once("error", reject);
    child.once("exit", (code) => fail(`ended with exit code ${code}`));
  });
  return {
    url,
    output: () => output,
    async close() {
      const ended = child.exitCode === null ? once(child, "exit") : [child.exitCode];
      child.kill("SIGINT");
      const [code] = await ended;
      // Vite's own server has no handler for the signal.
      if (code !== 0 && child.signalCode !== "SIGINT")
        throw new Error(`${program} ended with exit code ${code}:\n${output}`);
    },
  };
}
