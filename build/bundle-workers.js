/**
 * Bundles the workers of a package into files without imports, in place of those that `tsc` emitted. Runs in the package's folder
 * before it is packed. Vite 5 to 7 make classic scripts of workers, which cannot load chunks; and a single file can be served as it is.
 */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { build } from "vite";

/** The folder of the package that a bundled module is from. Undefined for this repository's own. */
function packageFolder(module) {
  const at = module.lastIndexOf("/node_modules/");
  if (at < 0) return undefined;
  const [scope, name] = module.slice(at + "/node_modules/".length).split("/");
  return join(module.slice(0, at), "node_modules", scope, scope.startsWith("@") ? name : "");
}

/** Name, version and licence text of a package. */
function licenceOf(folder) {
  const { name, version, license } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  const file = readdirSync(folder).find((path) => /^licen[cs]e/i.test(path));
  const text = file === undefined ? "" : `\n\n${readFileSync(join(folder, file), "utf8").trim()}`;
  return `${name} ${version} (${license})${text}`;
}

for (const file of readdirSync("src").filter((path) => path.endsWith("-worker.ts"))) {
  const name = basename(file, ".ts");
  const results = await build({
    configFile: false,
    logLevel: "warn",
    publicDir: false,
    resolve: { conditions: ["@peekpack/source", "browser", "import", "module"] },
    build: {
      target: "es2022",
      write: false,
      minify: true,
      sourcemap: false,
      lib: { entry: join("src", file), formats: ["es"], fileName: () => `${name}.js` },
      rolldownOptions: { output: { codeSplitting: false } },
    },
  });
  const chunks = [results].flat().flatMap(({ output }) => output);
  const [chunk, ...others] = chunks;
  const outside = [...chunk.imports, ...chunk.dynamicImports].filter((file) => file !== chunk.fileName);
  if (others.length > 0 || outside.length > 0)
    throw new Error(`${name} is not one file: it loads ${outside}`);
  writeFileSync(join("dist", `${name}.js`), chunk.code);
  const folders = new Set(chunk.moduleIds.map(packageFolder).filter((folder) => folder !== undefined));
  const licences = [...folders].sort().map(licenceOf);
  if (licences.length > 0)
    writeFileSync(join("dist", `${name}.licenses.txt`), `${licences.join(`\n\n${"-".repeat(80)}\n\n`)}\n`);
  console.log(`${dirname(join("dist", name))}/${name}.js: ${chunk.code.length} bytes`);
}
