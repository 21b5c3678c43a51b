/** The completion scripts, run by the shells. */
import { execFile, execFileSync } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type BuiltCommand, builtCommand } from "./built-command.js";

let built: BuiltCommand;
beforeAll(async () => {
  built = await builtCommand();
  for (const name of ["data.msglc", "two words.msglc", "other.txt"]) {
    await writeFile(join(built.folder, name), "");
  }
  for (const shell of ["bash", "zsh", "fish"]) {
    await writeFile(join(built.folder, `peekpack.${shell}`), await built.output(["completion", shell]));
  }
});
afterAll(() => built.remove());

function isAbsent(shell: string): boolean {
  try {
    execFileSync(shell, ["-c", "true"], { stdio: "ignore" });
    return false;
  } catch {
    return true;
  }
}

/** Runs a script in a shell, in the folder with the files. @returns the lines that it prints */
async function lines(shell: string, script: string): Promise<string[]> {
  const { stdout } = await promisify(execFile)(shell, ["-c", script], { cwd: built.folder });
  return stdout.split("\n").filter((line) => line !== "");
}

describe("in bash", () => {
  /** The completions of the last of some words. */
  const complete = (...words: string[]): Promise<string[]> => {
    const list = ["peekpack", ...words].map((word) => `'${word}'`).join(" ");
    return lines(
      "bash",
      `. ./peekpack.bash; COMP_WORDS=(${list}); COMP_CWORD=${words.length}; _peekpack; printf '%s\\n' "\${COMPREPLY[@]}"`,
    );
  };

  it("commands are completed", async (context) => {
    if (isAbsent("bash")) return context.skip("bash is not installed");
    expect(await complete("c")).toEqual(["cat", "combine", "compress", "completion"]);
    expect(await complete("")).toContain("explore");
    expect(await complete("help", "ver")).toEqual(["verify"]);
    expect(await complete("completion", "")).toEqual(["bash", "zsh", "fish"]);
  });

  it("options of the command, and their values, are completed", async (context) => {
    if (isAbsent("bash")) return context.skip("bash is not installed");
    expect(await complete("ls", "--j")).toEqual(["--json"]);
    expect(await complete("write", "--c")).toEqual(["--codec"]);
    expect(await complete("write", "--codec", "c")).toEqual(["cbor"]);
    expect(await complete("write", "--format", "")).toEqual(["json", "ndjson", "csv", "tsv"]);
    expect(await complete("ls", "--offset", "")).toEqual([]);
    expect(await complete("completion", "--h")).toEqual(["--help"]);
    expect(await complete("pending", "")).toEqual([]);
  });

  it("files are completed, with blanks in their names", async (context) => {
    if (isAbsent("bash")) return context.skip("bash is not installed");
    expect(await complete("ls", "da")).toEqual(["data.msglc"]);
    expect(await complete("cat", "two")).toEqual(["two words.msglc"]);
    expect(await complete("index", "--sidecar", "oth")).toEqual(["other.txt"]);
  });

  it("bash itself calls the script", async (context) => {
    if (isAbsent("bash")) return context.skip("bash is not installed");
    expect(await lines("bash", ". ./peekpack.bash; complete -p peekpack")).toEqual([
      "complete -F _peekpack peekpack",
    ]);
  });
});

describe("in zsh", () => {
  it("the script has no syntax error, and defines the completion", async (context) => {
    if (isAbsent("zsh")) return context.skip("zsh is not installed");
    const script =
      "autoload -U compinit; compinit -D -u; . ./peekpack.zsh; print $_comps[peekpack]; functions _peekpack | grep -c -- --page-index-file";
    const [name, uses] = await lines("zsh", script);
    expect(name).toBe("_peekpack");
    expect(Number(uses)).toBeGreaterThan(3);
  });
});

describe("in fish", () => {
  const complete = async (text: string): Promise<string[]> =>
    (await lines("fish", `source peekpack.fish; complete -C ${JSON.stringify(text)}`)).map(
      (line) => line.split("\t")[0]!,
    );

  it("commands, options and values are completed", async (context) => {
    if (isAbsent("fish")) return context.skip("fish is not installed");
    expect(await complete("peekpack c")).toEqual(expect.arrayContaining(["cat", "combine", "completion"]));
    expect(await complete("peekpack ls --js")).toEqual(["--json"]);
    expect(await complete("peekpack write --codec c")).toEqual(["cbor"]);
    expect(await complete("peekpack completion z")).toEqual(["zsh"]);
  });
});
