import type { CodeBlock } from "./code-blocks.js";

/** The TypeScript of one page as one program. */
export interface PageProgram {
  /** Each line of code has the number that it has in the page, so that errors name lines of the page. */
  readonly code: string;
  readonly extension: "ts" | "tsx";
}

const IMPORT = /^import ([^"]+) from "([^"]+)";$/gm;
const CODE = new Set(["ts", "tsx", "js", "setup"]);

/**
 * Joins the TypeScript and JavaScript blocks of a page into one module. Each block is in a scope inside that of the one
 * before it: it sees the names of the former blocks, and may declare them anew. Imports are moved to the first line.
 * @param blocks the blocks of the page
 * @param run whether blocks that are not run are left out
 * @returns undefined if there are none
 */
export function pageProgram(blocks: readonly CodeBlock[], run: boolean): PageProgram | undefined {
  const joined = blocks.filter(
    ({ language, notRun }) => CODE.has(language) && !(run && notRun !== undefined),
  );
  if (!joined.some(({ language }) => language !== "setup")) return undefined;
  const imports = new Map<string, Set<string>>();
  const lines: string[] = [];
  let depth = 0;
  for (const { language, code, line } of joined) {
    const own = code.replace(IMPORT, (statement: string, names: string, from: string) => {
      const known = imports.get(from) ?? new Set();
      imports.set(from, known);
      if (names.startsWith("{")) {
        for (const name of names.slice(1, -1).split(",")) if (name.trim() !== "") known.add(name.trim());
      } else known.add(`default as ${names}`);
      return "\n".repeat(statement.split("\n").length - 1);
    });
    while (lines.length < line) lines.push("");
    // Set-up before the first block is at the top level, where `declare` is allowed.
    const scoped = language !== "setup" || depth > 0;
    if (scoped) depth += 1;
    lines.push(scoped ? "{" : "", ...own.replace(/\n$/, "").split("\n"));
  }
  const hoisted = [...imports].map(([from, names]) => `import { ${[...names].join(", ")} } from "${from}";`);
  lines[0] = [...hoisted, "export {};", lines[0]].join(" ");
  return {
    code: `${lines.join("\n")}\n${"}".repeat(depth)}\n`,
    extension: joined.some(({ language }) => language === "tsx") ? "tsx" : "ts",
  };
}
