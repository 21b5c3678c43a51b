import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Benchmark, Context } from "../benchmark.js";
import { contest } from "../contest.js";
import type { ChildFile } from "../jobs/combining.js";
import { prepare, prepared } from "../prepared.js";
import { rateRow } from "../row.js";

/** msglc's faster backend. Both produce the same bytes here. */
const BACKEND = { codec: "msgpack", backend: "rust" } as const;

/** Each lap of an append starts from a copy of the archive, so it consists of one run. */
const ONE_RUN = { lapMs: 0, warmUpLaps: 4 } as const;

/** Writes the handles of an archive to a new one, without decoding. */
export const repack: Benchmark = {
  name: "repack",
  what: "open an archive file and write its handles to a new file",
  async run(context) {
    const { scratch, rounds, python } = context;
    if (python === undefined) return context.skip("repack: it needs msglc");
    for (const data of context.data) {
      const { archive } = await prepared(scratch, data, "msgpack");
      const [ours, theirs] = await contest(
        [
          {
            name: "writeArchive of a handle",
            job: "combining/repack",
            parameters: { file: archive, target: join(scratch, "ours.archive") },
          },
          {
            name: "msglc dump of a LazyReader, rust",
            job: "local/repack",
            parameters: { file: archive, target: join(scratch, "theirs.archive"), ...BACKEND },
            python,
          },
        ],
        { rounds },
      );
      context.row(rateRow(data, ours!, theirs!));
    }
  },
};

/** Prepares child archives. */
async function childFiles(
  scratch: string,
  name: string,
  under?: string,
): Promise<{ readonly children: readonly ChildFile[]; readonly combined: string; readonly label: string }> {
  const directory = join(scratch, name);
  mkdirSync(directory, { recursive: true });
  await prepare("children", { directory, under });
  const children = JSON.parse(readFileSync(join(directory, "children.json"), "utf8")) as ChildFile[];
  return { children, combined: join(directory, "combined.archive"), label: `${children.length} ${name}` };
}

/** Combines archive files. */
export const combine: Benchmark = {
  name: "combine",
  what: "combine archive files into one",
  async run(context: Context) {
    const { scratch, rounds, python } = context;
    if (python === undefined) return context.skip("combine: it needs msglc");
    for (const [name, under] of [["sections"], ["interfaces", "api"]] as const) {
      const { children, label } = await childFiles(scratch, name, under);
      const [ours, theirs] = await contest(
        [
          {
            name: "combineArchives",
            job: "combining/combine",
            parameters: { children, target: join(scratch, "ours.archive") },
          },
          {
            name: "msglc combine, rust",
            job: "local/combine_files",
            parameters: { children, target: join(scratch, "theirs.archive"), ...BACKEND },
            python,
          },
        ],
        { rounds },
      );
      context.row(rateRow(label, ours!, theirs!));
    }
  },
};

/** Appends an archive to a combined one. */
export const append: Benchmark = {
  name: "append",
  what: "append an archive of 1 MB to a combined file: atomic replacement against in-place writes",
  async run(context: Context) {
    const { scratch, rounds, python } = context;
    if (python === undefined) return context.skip("append: it needs msglc");
    const { combined, label } = await childFiles(scratch, "sections");
    const child = join(scratch, "child.archive");
    await prepare("bytes", { file: child, size: 1_000_000 });
    const [ours, theirs] = await contest(
      [
        {
          name: "appendArchives",
          job: "combining/append",
          parameters: { old: combined, child, target: join(scratch, "ours.archive") },
        },
        {
          name: "msglc append, rust",
          job: "local/append_file",
          parameters: { old: combined, child, target: join(scratch, "theirs.archive"), ...BACKEND },
          python,
        },
      ],
      { rounds, ...ONE_RUN },
    );
    context.row(rateRow(`1 MB to ${label}`, ours!, theirs!));
  },
};
