/**
 * `npm run api` writes a report of the public names and types of every entry point to `api/`.
 * `npm run api -- --check` compares instead: it prints each difference and exits with 1 when there is one.
 * Both read the `.d.ts` files that `tsc -b` emits.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { Extractor, ExtractorConfig, ExtractorLogLevel } from "@microsoft/api-extractor";
import { type EntryPoint, entryPoints } from "./entry-points.js";

const root = fileURLToPath(new URL("../../..", import.meta.url));
const committed = join(root, "api");
const generated = join(root, ".cache", "api");
const SILENT = { default: { logLevel: ExtractorLogLevel.None } };

const { check } = parseArgs({ options: { check: { type: "boolean", default: false } } }).values;
rmSync(generated, { recursive: true, force: true });
mkdirSync(committed, { recursive: true });
mkdirSync(generated, { recursive: true });

const points = entryPoints(root);
const failures = points.flatMap((point) => {
  try {
    return extract(point) && check ? [`${point.report}: the public API differs from its report`] : [];
  } catch (error) {
    return [`${point.report}: ${error instanceof Error ? error.message : String(error)}`];
  }
});
for (const file of readdirSync(committed)) {
  if (points.some(({ report }) => file === `${report}.api.md`)) continue;
  if (check) failures.push(`api/${file}: no entry point has this report`);
  else rmSync(join(committed, file));
}
for (const failure of failures) console.error(failure);
if (check && failures.length > 0)
  console.error("If the change is intended, run `npm run api` and commit `api/`.");
console.log(`api: ${points.length} entry points, ${failures.length} failures`);
process.exitCode = failures.length === 0 ? 0 : 1;

/** Generates one report; updates the committed one unless checking. @returns whether the two differed */
function extract({ folder, declarations, report }: EntryPoint): boolean {
  const config = ExtractorConfig.prepare({
    configObject: {
      projectFolder: folder,
      mainEntryPointFilePath: declarations,
      compiler: {
        overrideTsconfig: {
          compilerOptions: {
            target: "ES2022",
            lib: ["ES2024", "DOM", "DOM.Iterable", "DOM.AsyncIterable"],
            module: "NodeNext",
            moduleResolution: "NodeNext",
            strict: true,
            skipLibCheck: true,
            types: ["node"],
          },
          files: [declarations],
        },
      },
      apiReport: {
        enabled: true,
        reportFolder: committed,
        reportTempFolder: generated,
        reportFileName: report,
        // Types that are reachable but not exported are mostly internals of classes: their changes are no API changes.
        includeForgottenExports: false,
      },
      docModel: { enabled: false },
      dtsRollup: { enabled: false },
      tsdocMetadata: { enabled: false },
      messages: { extractorMessageReporting: SILENT, tsdocMessageReporting: SILENT },
    },
    configObjectFullPath: undefined,
    packageJsonFullPath: join(folder, "package.json"),
  });
  const { apiReportChanged, errorCount } = Extractor.invoke(config, {
    localBuild: !check,
    messageCallback: (message) => {
      // Compiler errors stay; the rest says what this program says itself.
      if (message.category !== "Compiler") message.logLevel = ExtractorLogLevel.None;
    },
  });
  if (errorCount > 0) throw new Error("its declarations do not compile");
  if (check && apiReportChanged) {
    const before = join(committed, `${report}.api.md`);
    const after = join(generated, `${report}.api.md`);
    const paths = [existsSync(before) ? before : "/dev/null", after].map((path) => relative(root, path));
    spawnSync("git", ["diff", "--no-index", "--", ...paths], { cwd: root, stdio: "inherit" });
  }
  return apiReportChanged;
}
