import { execFile } from "node:child_process";
import { readdir } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, it } from "vitest";

const packages = fileURLToPath(new URL("../../packages", import.meta.url));

interface Packed {
  readonly files: readonly { readonly path: string }[];
}

it.each(await readdir(packages))(
  "%s is published with its licence, its README and its code",
  async (name) => {
    const { stdout } = await promisify(execFile)("npm", ["pack", "--dry-run", "--json", "--ignore-scripts"], {
      cwd: `${packages}/${name}`,
    });
    const packed = JSON.parse(stdout) as Packed[] | Record<string, Packed>;
    const files = Object.values(packed)[0]!.files.map(({ path }) => path);
    expect(files).toEqual(
      expect.arrayContaining(["LICENSE", "README.md", "dist/index.d.ts", "dist/index.js", "src/index.ts"]),
    );
    expect(files.filter((path) => path.endsWith(".tsbuildinfo"))).toEqual([]);
  },
);
