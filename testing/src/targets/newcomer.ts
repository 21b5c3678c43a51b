import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, delimiter, join } from "node:path";
import { promisify } from "node:util";
import { codeBlocks, pageProgram, surroundings } from "../documentation/index.js";
import { startS3 } from "../s3/launcher.js";

/** What a newcomer reads first. */
const PAGES = ["README.md", "docs/start.md"];
/** The command on an archive on the server, and what it prints. */
const COMMANDS: readonly (readonly [command: string, printed: RegExp])[] = [
  ["peekpack info s3://bucket/data.msglc", /^codec +msgpack$/m],
  ["peekpack ls s3://bucket/data.msglc", /entries/],
  ["peekpack cat s3://bucket/data.msglc entries/17/energy", /^-17$/m],
  ["peekpack verify s3://bucket/data.msglc", /^ok: /],
  ["peekpack verify s3://bucket/data.msglc.zst", /^ok: /],
];
const STEP_MS = 120_000;

/**
 * Does what a newcomer does: installs the tarballs in an empty folder, runs the code of the first pages there, and uses the command on
 * archives on an S3 server, a real one if there is one.
 * @returns the server that was used
 * @throws Error with the output of what fails
 */
export async function newcomersPath(root: string, tarballs: readonly string[]): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "peekpack-newcomer-"));
  const server = await startS3();
  try {
    const { env: variables, localized } = await surroundings(folder, server);
    const env = {
      ...process.env,
      ...variables,
      HOME: folder,
      XDG_STATE_HOME: folder,
      PATH: `${join(folder, "node_modules/.bin")}${delimiter}${process.env.PATH}`,
    };
    const run = async (command: string, args: readonly string[], own = env): Promise<string> => {
      try {
        return (await promisify(execFile)(command, args, { cwd: folder, env: own, timeout: STEP_MS })).stdout;
      } catch (error) {
        const { stderr = "", stdout = "" } = error as { readonly stderr?: string; readonly stdout?: string };
        throw new Error(`${[command, ...args].join(" ")}: ${stderr || stdout || String(error)}`);
      }
    };
    await writeFile(join(folder, "package.json"), JSON.stringify({ private: true, type: "module" }));
    // With the caches and settings of this user.
    const install = ["install", "--no-audit", "--no-fund", "--prefer-offline", ...tarballs];
    await run("npm", install, { ...env, HOME: process.env.HOME ?? folder });
    for (const page of PAGES) {
      const blocks = codeBlocks(await readFile(join(root, page), "utf8"));
      const program = `${basename(page, ".md")}.js`;
      await writeFile(join(folder, program), await localized(pageProgram(blocks, true)?.code ?? ""));
      await run(process.execPath, [program]);
      for (const { language, code, notRun } of blocks) {
        if (language !== "sh" || !code.startsWith("peekpack ") || notRun !== undefined) continue;
        await run("sh", ["-ec", await localized(code)]);
      }
    }
    for (const [command, expected] of COMMANDS) {
      const printed = await run("sh", ["-ec", command]);
      if (!expected.test(printed)) throw new Error(`${command} printed ${printed}`);
    }
    return server.kind;
  } finally {
    await server.close();
    await rm(folder, { recursive: true, force: true });
  }
}
