/** Writes the tables of figures into the pages. With --check it changes nothing, and fails if a page differs. */
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { documentationPages } from "@peekpack/testing/documentation";
import { fillFigures } from "./fill.js";
import { readResults } from "./results.js";

const root = fileURLToPath(new URL("../../../", import.meta.url));
const check = process.argv.includes("--check");
const results = readResults(`${root}benchmarks/results`);
for (const page of documentationPages(root)) {
  const old = readFileSync(root + page, "utf8");
  const filled = fillFigures(old, results);
  if (filled === old) continue;
  console.log(`${check ? "differs" : "written"}: ${page}`);
  if (check) process.exitCode = 1;
  else writeFileSync(root + page, filled);
}
if (process.exitCode === 1) console.log("Run `npm run figures` and commit the result.");
