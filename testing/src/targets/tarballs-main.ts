/**
 * `npm run tarballs`: packs the packages as `tsc -b` has built them, and checks the tarballs: publint, are-the-types-wrong (as ES modules
 * only), the licence, and that no file of the build is left over. Then it walks the path of a newcomer with them. Exit code 1 if something is
 * wrong.
 */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { checkPackage, createPackageFromTarballData } from "@arethetypeswrong/core";
import { publint } from "publint";
import { formatMessage } from "publint/utils";
import { newcomersPath } from "./newcomer.js";
import { packAll } from "./packed.js";

/** What each manifest must have beside what publint asks for. */
const FIELDS = ["description", "license", "keywords", "engines", "files", "sideEffects", "exports"] as const;

/**
 * The packages are ES modules without a copy for `require`, which Node 20.19 loads by `require` as well. A resolution that knows no
 * `exports` finds no subpaths.
 */
function isIntended(problem: { readonly kind: string; readonly resolutionKind?: string }): boolean {
  return problem.kind === "CJSResolvesToESM" || problem.resolutionKind === "node10";
}

async function problemsOf(tarball: Uint8Array): Promise<string[]> {
  const data = tarball.slice();
  const { messages, pkg } = await publint({ pack: { tarball: data.buffer } });
  const found = messages.map(
    (message) => `publint: ${formatMessage(message, pkg, { color: false }) ?? message.code}`,
  );
  for (const field of FIELDS) if (!(field in pkg)) found.push(`package.json has no ${field}`);
  const contents = createPackageFromTarballData(data);
  const files = contents.listFiles(`/node_modules/${contents.packageName}`);
  if (!files.some((file) => file.endsWith("/LICENSE"))) found.push("there is no LICENSE");
  for (const file of files) if (file.endsWith(".tsbuildinfo")) found.push(`${file} is of the build`);
  if (!("exports" in pkg)) return found;
  const analysis = await checkPackage(contents);
  if (!analysis.types) return [...found, "are-the-types-wrong: there are no types"];
  for (const problem of analysis.problems) {
    if (!isIntended(problem)) found.push(`are-the-types-wrong: ${JSON.stringify(problem)}`);
  }
  return found;
}

const root = fileURLToPath(new URL("../../..", import.meta.url));
const folder = await mkdtemp(join(tmpdir(), "peekpack-tarballs-"));
try {
  const tarballs = await packAll(root, folder, ["--ignore-scripts"]);
  for (const tarball of tarballs) {
    const problems = await problemsOf(await readFile(tarball));
    console.log(`${basename(tarball)}: ${problems.length === 0 ? "ok" : "WRONG"}`);
    for (const problem of problems) console.log(`  ${problem}`);
    if (problems.length > 0) process.exitCode = 1;
  }
  const began = Date.now();
  const server = await newcomersPath(root, tarballs);
  console.log(`the path of a newcomer, with ${server}: ok (${Math.round((Date.now() - began) / 1000)} s)`);
} finally {
  await rm(folder, { recursive: true, force: true });
}
