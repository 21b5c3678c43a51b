import { existsSync } from "node:fs";
import { dirname, join, relative, resolve, sep } from "node:path";

const PAGES = /^(?:[^/]+|docs\/.+|benchmarks\/README|(?:packages|examples)\/[^/]+\/README)\.md$/;

/**
 * Makes links of the repository right on the site. A link to a folder leads to its README. A link to a file that is no page,
 * such as source, becomes its text, because the site does not have the file.
 * @param markdown the instance of markdown-it
 * @param root path of the repository
 * @throws Error if there is no such file or folder
 */
export function repositoryLinks(markdown, root) {
  // Before VitePress turns the links into addresses: at rendering, its rule comes after this one.
  markdown.core.ruler.push("repository-links", ({ tokens, env }) => {
    for (const { children } of tokens) {
      let dropped = false;
      for (const token of children ?? []) {
        if (token.type === "link_close" && dropped) {
          Object.assign(token, { type: "text", content: "" });
          dropped = false;
        }
        if (token.type !== "link_open") continue;
        const [, path, fragment] = /^([^#?]*)(.*)$/.exec(token.attrGet("href") ?? "");
        if (path === "" || path.startsWith("/") || /^[a-z][a-z+.-]*:/i.test(path)) continue;
        const target = resolve(dirname(join(root, env.relativePath)), decodeURIComponent(path));
        if (!existsSync(target))
          throw new Error(`${env.relativePath} links to ${path}, which does not exist.`);
        const name = relative(root, target).split(sep).join("/");
        const page = [name, `${name}/README.md`].find(
          (file) => PAGES.test(file) && existsSync(join(root, file)),
        );
        if (page === undefined) {
          Object.assign(token, { type: "text", content: "", attrs: null });
          dropped = true;
        } else token.attrSet("href", (page === "README.md" ? "/" : `/${page}`) + fragment);
      }
    }
  });
}
