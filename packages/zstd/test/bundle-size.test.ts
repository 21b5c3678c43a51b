import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build, type Rollup } from "vite";
import { expect, it } from "vitest";

/** What a page without a decoder of its own loads to read compressed archives, besides core: bytes of gzip. */
const BUDGET = 12_000;

const root = fileURLToPath(new URL("../../..", import.meta.url));

it("a page that reads compressed archives loads at most 12,000 bytes more, and no encoder", async () => {
  // Within the project, so that the page finds its packages.
  const page = await mkdtemp(join(root, "node_modules", ".zstd-bundle-"));
  try {
    await writeFile(join(page, "main.ts"), 'export { zstdSource } from "@peekpack/zstd";');
    const outputs = (await build({
      root: page,
      configFile: false,
      logLevel: "error",
      resolve: { conditions: ["@peekpack/source", "module", "browser", "production"] },
      build: {
        write: false,
        lib: { entry: "main.ts", formats: ["es"] },
        rollupOptions: { external: /^@peekpack\/core/ },
        minify: true,
      },
    })) as Rollup.RollupOutput[];
    const chunks = outputs[0]!.output.flatMap((chunk) => (chunk.type === "chunk" ? [chunk] : []));
    const sizes = chunks.map(({ fileName, code }) => ({
      chunk: fileName,
      code: code.length,
      gzip: gzipSync(code, { level: 9 }).length,
    }));
    console.table(sizes);
    const modules = chunks.flatMap((chunk) => Object.keys(chunk.modules)).join("\n");
    expect(modules).toContain("frame-decoder");
    expect(modules).toContain("xxhash-wasm");
    expect(modules).not.toContain("hpcc");
    const total = sizes.reduce((sum, { gzip }) => sum + gzip, 0);
    console.log(`${total} bytes, of ${BUDGET}`);
    expect(total).toBeLessThanOrEqual(BUDGET);
  } finally {
    await rm(page, { recursive: true });
  }
});
