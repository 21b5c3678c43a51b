import { execFile } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { type S3Server, startS3 } from "@peekpack/testing";
import { codeBlocks, documentationPages, pageProgram, surroundings } from "@peekpack/testing/documentation";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";

const run = promisify(execFile);
const root = fileURLToPath(new URL("../../", import.meta.url));
const pages = documentationPages(root).map((page) => {
  const blocks = codeBlocks(readFileSync(join(root, page), "utf8"));
  return { page, blocks, name: page.replace(/\.md$/, "").replaceAll("/", "--") };
});
// Below the root, so that imports find the packages.
const programs = join(root, ".cache/documentation");

beforeAll(() => {
  rmSync(programs, { recursive: true, force: true });
  for (const folder of ["types", "run", "bin"]) mkdirSync(join(programs, folder), { recursive: true });
});

describe("the types of the documentation's code", () => {
  let errors = "";

  beforeAll(async () => {
    for (const { name, blocks } of pages) {
      const program = pageProgram(blocks, false);
      if (program) writeFileSync(join(programs, "types", `${name}.${program.extension}`), program.code);
    }
    const compilerOptions = { noUnusedLocals: false, noUnusedParameters: false, jsx: "react-jsx" };
    const config = { extends: "../../../tsconfig.tests.json", compilerOptions, include: ["*"], exclude: [] };
    writeFileSync(join(programs, "types/tsconfig.json"), JSON.stringify(config));
    writeFileSync(join(programs, "package.json"), '{ "type": "module" }');
    try {
      await run("npx", ["tsc", "-p", join(programs, "types"), "--pretty", "false"], { cwd: root });
    } catch (error) {
      errors = (error as { stdout: string }).stdout;
    }
  }, 120_000);

  it.each(pages.filter(({ blocks }) => pageProgram(blocks, false)))(
    "$page agrees with the packages",
    ({ page, name }) => {
      const own = errors.split("\n").filter((line) => line.includes(`/types/${name}.ts`));
      // Lines of the program are lines of the page.
      expect(own.map((line) => line.replace(/^.*\.tsx?\(/, `${page}(`))).toEqual([]);
    },
  );

  it("compiles without errors elsewhere", () => {
    expect(errors.split("\n").filter((line) => line !== "" && !line.includes("/types/"))).toEqual([]);
  });
});

describe("running the documentation's code", () => {
  let server: S3Server;
  let folder: string;
  const cwd = process.cwd();

  beforeAll(async () => {
    await run("npx", ["tsc", "-b", "packages/cli"], { cwd: root });
    const command = join(programs, "bin/peekpack");
    writeFileSync(
      command,
      `#!/bin/sh\nexec "${process.execPath}" "${root}packages/cli/bin/peekpack.js" "$@"\n`,
    );
    chmodSync(command, 0o755);
  }, 300_000);

  afterAll(() => process.chdir(cwd));

  const runs = pages.filter(
    ({ blocks }) => pageProgram(blocks, true) || blocks.some(({ language }) => language === "sh"),
  );
  it.each(runs)(
    "the code of $page runs",
    async ({ page, name, blocks }) => {
      server = await startS3({ require: "stand-in" });
      folder = mkdtempSync(join(tmpdir(), "peekpack-documentation-"));
      vi.spyOn(console, "log").mockImplementation(() => {});
      try {
        const { env, localized } = await surroundings(folder, server);
        for (const [variable, value] of Object.entries({ ...env, HOME: folder, XDG_STATE_HOME: folder })) {
          vi.stubEnv(variable, value);
        }
        process.chdir(folder);
        const program = pageProgram(blocks, true);
        if (program) {
          const file = join(programs, "run", `${name}.${program.extension}`);
          writeFileSync(file, await localized(program.code));
          await import(pathToFileURL(file).href);
        }
        const PATH = `${join(programs, "bin")}${delimiter}${process.env.PATH}`;
        for (const { language, code, line, notRun } of blocks) {
          if (language !== "sh" || !code.startsWith("peekpack ") || notRun !== undefined) continue;
          const script = await localized(code);
          await run("sh", ["-ec", script], { cwd: folder, env: { ...process.env, PATH } }).catch((error) => {
            throw new Error(`${page}(${line + 1}): ${error.stderr}\n${script}`);
          });
        }
      } finally {
        process.chdir(cwd);
        vi.unstubAllEnvs();
        vi.restoreAllMocks();
        await server.close();
        rmSync(folder, { recursive: true, force: true });
      }
    },
    120_000,
  );
});
