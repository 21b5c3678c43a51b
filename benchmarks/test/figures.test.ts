import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { documentationPages } from "@peekpack/testing/documentation";
import { describe, expect, it } from "vitest";
import { fillFigures } from "../src/figures/fill.js";
import { readResults } from "../src/figures/results.js";
import type { Result } from "../src/record.js";

const root = fileURLToPath(new URL("../../", import.meta.url));
const results = readResults(`${root}benchmarks/results`);

describe("the figures in the documentation", () => {
  it.each(documentationPages(root))(
    "%s shows the recorded results; `npm run figures` writes them",
    (page) => {
      const markdown = readFileSync(root + page, "utf8");
      expect(fillFigures(markdown, results)).toBe(markdown);
    },
  );

  const result = (at: string, data: readonly string[]): Result => ({
    what: "",
    rounds: 9,
    skipped: [],
    circumstances: {
      at,
      commit: "0",
      node: "v20.19.0",
      system: "linux",
      processor: "A processor",
      cores: 2,
      memoryBytes: 8 * 2 ** 30,
      load: { before: 0, after: 0 },
      versions: { msgpackr: "2.1.4", "cbor-x": "1.6.9" },
    },
    rows: data.map((data) => ({
      data,
      ours: { name: "openArchive", wallMs: 12, facts: { bodyBytes: 1500 } },
      peer: { name: "msgpackr unpack", facts: {} },
      measure: "time",
      ratio: { min: 0.4, median: 0.5, max: 0.6 },
    })),
  });

  it("are one table of all data sets, with machine, versions of the peers and date", () => {
    const filled = fillFigures("a\n<!-- figures: x -->\nold\n<!-- /figures -->\nb", {
      x: result("2026-01-02T03:04:05.000Z", ["one", "two", "three"]),
    });
    expect(filled).toMatch(/^a\n<!-- figures: x -->\n[\s\S]*\n<!-- \/figures -->\nb$/);
    expect(filled).toContain("| openArchive | msgpackr unpack | time | 0.500 | 0.500 | 0.500 |");
    expect(filled).toContain("A processor, 2 cores, 8 GiB; Node 20.19.0, msgpackr 2.1.4; 2026-01-02.");
    expect(filled).not.toContain("old");
  });

  it("have the medians of both sides where there is one data set", () => {
    const filled = fillFigures("<!-- figures: x -->\n<!-- /figures -->", { x: result("2026", ["one"]) });
    expect(filled).toContain(
      "| one | openArchive<br>12.0 ms, 1.5 KB body | msgpackr unpack | time | 0.500 |",
    );
  });

  it("have a column for each peer where one contestant has several, and no bounds", () => {
    const one = result("2026", ["one", "two"]);
    const rows = ["archive", "JSON.gz"].flatMap((name) =>
      one.rows.map((row) => ({ ...row, peer: { name, wallMs: 24, facts: {} } })),
    );
    const bound = { ...rows[0]!, peer: { name: "bound", facts: {} } };
    const filled = fillFigures("<!-- figures: x -->\n<!-- /figures -->", {
      x: { ...one, rows: [...rows, bound] },
    });
    expect(filled).toContain("|  | openArchive | archive | JSON.gz |");
    expect(filled).toContain("| two | 12.0 ms, 1.5 KB body | 24.0 ms | 24.0 ms |");
    expect(filled).not.toContain("bound");
    expect(filled).not.toContain("Ratios");
  });

  it("name a benchmark without a result", () => {
    expect(() => fillFigures("<!-- figures: absent -->\n<!-- /figures -->", {})).toThrow(/absent/);
  });
});
