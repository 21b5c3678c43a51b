import markdownIt from "markdown-it";

/** A piece of code in a Markdown page. Lines are counted from 0. */
export interface CodeBlock {
  /** `ts`, `tsx`, `js`, `sh`, …; `setup` for hidden code in a comment; empty for an indented block. */
  readonly language: string;
  readonly code: string;
  /** Line of the fence, or of the beginning of the comment. The code starts on the next one. */
  readonly line: number;
  /** Why the code is not run. Undefined: it is. */
  readonly notRun: string | undefined;
}

const SETUP = /^<!-- setup\n([\s\S]*)\n-->\s*$/;
const NOT_RUN = /^<!-- not run: (.+) -->\s*$/;
const LANGUAGES: Readonly<Record<string, string>> = {
  typescript: "ts",
  javascript: "js",
  bash: "sh",
  shell: "sh",
};

/** Lists the code blocks of a Markdown page, in order, with the hidden code of `<!-- setup … -->`. */
export function codeBlocks(markdown: string): CodeBlock[] {
  const blocks: CodeBlock[] = [];
  let notRun: string | undefined;
  for (const { type, info, content, map } of markdownIt({ html: true }).parse(markdown, {})) {
    if (map === null) continue;
    const line = map[0];
    if (type === "fence") {
      const language = info.trim().split(/\s/)[0]!;
      blocks.push({ language: LANGUAGES[language] ?? language, code: content, line, notRun });
    } else if (type === "html_block") {
      const code = SETUP.exec(content)?.[1];
      if (code !== undefined) blocks.push({ language: "setup", code, line, notRun: undefined });
    }
    notRun = type === "html_block" ? NOT_RUN.exec(content)?.[1] : undefined;
  }
  return blocks;
}
