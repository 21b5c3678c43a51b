import { type ChildProcess, spawn } from "node:child_process";
import { cp, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Browser } from "playwright";
import { serveFolder } from "./static-server.js";
import type { Project, Results, Target, TargetEnvironment } from "./target.js";

const PROGRAMS = fileURLToPath(new URL("../../targets", import.meta.url));
const INSTALL_MS = 300_000;
const RUN_MS = 180_000;
const PAGE_MS = 90_000;

/** What every project shares. */
export interface ProjectContext {
  readonly tarballs: readonly string[];
  readonly environment: TargetEnvironment;
  readonly browser: () => Promise<Browser>;
}

/** Installs the packages and a target's tools in a fresh folder, and uses them. Removes the folder afterwards. */
export async function withProject<T>(
  target: Target,
  context: ProjectContext,
  use: (project: Project) => Promise<T>,
): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), "peekpack-target-"));
  try {
    const project = makeProject(folder, context);
    await project.write("package.json", JSON.stringify({ private: true, type: "module" }));
    const install = ["install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefer-offline"];
    await run(folder, "npm", [...install, ...context.tarballs, ...target.tools], INSTALL_MS, {});
    for (const file of target.files) await cp(join(PROGRAMS, file), join(folder, basename(file)));
    return await use(project);
  } finally {
    await rm(folder, { recursive: true, force: true, maxRetries: 3 });
  }
}

function makeProject(folder: string, { environment, browser }: ProjectContext): Project {
  const env = {
    PEEKPACK_TARGET: JSON.stringify(environment),
    NEXT_TELEMETRY_DISABLED: "1",
    AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: "true",
  };
  const open = async (url: string): Promise<Results> => {
    const page = await (await browser()).newPage();
    const problems: string[] = [];
    page.on("pageerror", ({ message }) => problems.push(message));
    page.on("console", (message) => message.type() === "error" && problems.push(message.text()));
    page.on(
      "response",
      (response) => response.status() >= 400 && problems.push(`${response.status()} ${response.url()}`),
    );
    try {
      await page.goto(`${url}?environment=${encodeURIComponent(env.PEEKPACK_TARGET)}`);
      const results = await page.waitForFunction(
        () => (globalThis as { results?: Results }).results,
        undefined,
        {
          timeout: PAGE_MS,
        },
      );
      return (await results.jsonValue()) as Results;
    } catch (error) {
      throw new Error([...problems, (error as Error).message].join("; "));
    } finally {
      await page.close();
    }
  };
  return {
    folder,
    environment,
    async write(path, text) {
      const file = join(folder, path);
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, text);
    },
    run: (command, args) => run(folder, command, args, RUN_MS, env),
    async withServer(command, args, url, use) {
      const server = start(folder, command, args, env);
      let output = "";
      for (const stream of [server.stdout, server.stderr]) stream?.on("data", (text) => (output += text));
      try {
        for (const began = Date.now(); ; await new Promise((resolve) => setTimeout(resolve, 200))) {
          const response = await fetch(url).catch(() => undefined);
          if (response?.ok) break;
          if (Date.now() - began > PAGE_MS) throw new Error(`the server does not respond: ${output}`);
        }
        return await use();
      } finally {
        end(server);
      }
    },
    async openBuilt(path, page = "") {
      const server = await serveFolder(join(folder, path));
      try {
        return await open(`${server.origin}/${page}`);
      } finally {
        await server.close();
      }
    },
    open,
  };
}

/** Starts a program in a process group of its own. */
function start(
  cwd: string,
  command: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): ChildProcess {
  return spawn(command, args, {
    cwd,
    detached: true,
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
}

/** Ends a program and what it started. */
function end(child: ChildProcess): void {
  try {
    if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
  } catch {
    // It has ended.
  }
}

function run(
  cwd: string,
  command: string,
  args: readonly string[],
  timeoutMs: number,
  env: Readonly<Record<string, string>>,
): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = start(cwd, command, args, env);
    let output = "";
    for (const stream of [child.stdout, child.stderr]) stream?.on("data", (text) => (output += text));
    const timer = setTimeout(() => {
      end(child);
      reject(
        new Error(`${basename(command)} did not end within ${timeoutMs / 1000} s: ${output.slice(-1000)}`),
      );
    }, timeoutMs);
    child.on("error", reject);
    child.on("close", (code) => {
      clearTimeout(timer);
      if (code === 0) resolve(output);
      else reject(new Error(output.trim().slice(-1500) || `exit code ${code}`));
    });
  });
}
