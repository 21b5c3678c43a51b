import { memorySink, openArchive, writeArchive } from "@peekpack/core";
import { describe, expect, it } from "vitest";
import { cellOf, columnNames } from "../src/data/csv.js";
import { DataError, type PrepareContext } from "../src/data/data.js";
import { fileData, fileKind } from "../src/data/file.js";
import { framesFor, skySurvey } from "../src/data/sky.js";

function context(progress: (share: number) => void = () => {}): PrepareContext {
  return { signal: new AbortController().signal, unpaused: async () => {}, progress };
}

/** Writes a file as an archive and reads it. */
async function written(
  name: string,
  content: BlobPart,
  progress?: (share: number) => void,
): Promise<unknown> {
  const data = fileData(new File([content], name), fileKind(name)!);
  const { value, options } = await data.prepare(context(progress));
  const sink = memorySink();
  await writeArchive(sink, value, options);
  const archive = await openArchive(sink.bytes());
  return archive.read();
}

describe("NDJSON", () => {
  it("becomes a list of its lines without blank ones, with or without a final line break", async () => {
    expect(await written("a.ndjson", '{"a":1}\r\n\n[2,"ü"]\n   \n3')).toMatchObject({
      file: { name: "a.ndjson" },
      rows: [{ a: 1 }, [2, "ü"], 3],
    });
  });

  it("is read in chunks that may end within a character, and reports progress", async () => {
    const rows = Array.from({ length: 40_000 }, (_, i) => ({ i, text: "äöü€😀".repeat((i % 7) + 1) }));
    const shares: number[] = [];
    const text = rows.map((row) => JSON.stringify(row)).join("\n");
    expect(new TextEncoder().encode(text).length).toBeGreaterThan(2 * 2 ** 20);
    expect(await written("a.jsonl", text, (share) => shares.push(share))).toMatchObject({ rows });
    expect(shares).toEqual(shares.toSorted((a, b) => a - b));
    expect(shares.at(-1)).toBe(1);
  });

  it("reports the line that is not JSON", async () => {
    await expect(written("a.ndjson", '{"a":1}\n{"a":\n3')).rejects.toThrow(/^Line 2 is not JSON/);
  });
});

describe("CSV", () => {
  it("becomes rows with the names of its columns, for every delimiter and line break", async () => {
    const rows = [
      { name: "Vega, Lyra", magnitude: 0.03, code: "007", note: null },
      { name: 'the "Demon"', magnitude: 2.12, code: "1e400", note: "two\nlines" },
    ];
    const comma =
      'name,magnitude,code,note\n"Vega, Lyra",0.03,007,\n"the ""Demon""",2.12,1e400,"two\nlines"\n';
    expect(await written("a.csv", `\ufeff${comma}`)).toMatchObject({ rows });
    const tabs = 'name\tmagnitude\tcode\tnote\r\n"Vega, Lyra"\t0.03\t007\t\r\n';
    expect(await written("a.tsv", tabs)).toMatchObject({ rows: rows.slice(0, 1) });
  });

  it("is read in chunks that may end within a character, a quote or a line break", async () => {
    const rows = Array.from({ length: 60_000 }, (_, i) => ({ i, text: `€"${i}",\r\n😀` }));
    const quoted = (text: string): string => `"${text.replaceAll('"', '""')}"`;
    const csv = `i,text\r\n${rows.map(({ i, text }) => `${i},${quoted(text)}`).join("\r\n")}`;
    expect(csv.length).toBeGreaterThan(2 ** 20);
    expect(await written("a.csv", csv)).toMatchObject({ rows });
  });

  it("rejects a row with too many fields, and an unclosed quote", async () => {
    await expect(written("a.csv", "a,b\n1,2\n1,2,3\n")).rejects.toThrow(/^Row 3 has 3 fields/);
    await expect(written("a.csv", 'a,b\n1,"2\n1,2\n')).rejects.toThrow(DataError);
  });

  it("gives every column a unique name", () => {
    expect(columnNames(["a", "", "a", " a "])).toEqual(["a", "column 2", "a 2", "a 3"]);
  });

  it("reads as numbers only texts that JavaScript prints the same way", () => {
    expect(["1", "-0.5", "1e21", "01", "1.0", " 1", "NaN", ""].map(cellOf)).toEqual([
      1,
      -0.5,
      "1e21",
      "01",
      "1.0",
      " 1",
      "NaN",
      null,
    ]);
  });
});

describe("JSON and others", () => {
  it("is written unchanged", async () => {
    const document = { "a/b": [1, null, { __proto: 1 }], x: "ü" };
    expect(await written("a.json", JSON.stringify(document))).toEqual(document);
    await expect(written("a.json", "{")).rejects.toThrow(/^This is not JSON/);
  });

  it("rejects files that are not UTF-8, and unknown extensions", async () => {
    await expect(written("a.ndjson", Uint8Array.of(34, 0xff, 34))).rejects.toThrow("not text in UTF-8");
    expect(fileKind("a.xlsx")).toBeUndefined();
    expect(fileKind("A.JSONL")).toBe("ndjson");
  });
});

describe("made-up data", () => {
  it("has about the requested size", async () => {
    const bytes = 4 * 2 ** 20;
    const data = skySurvey(bytes);
    const { value, options } = await data.prepare(context());
    const sink = memorySink();
    const { size } = await writeArchive(sink, value, options);
    expect(Math.abs(size - data.expectedSize!)).toBeLessThan(data.expectedSize! / 1000);
    expect(Math.abs(size - bytes)).toBeLessThan(bytes / 10);
    expect(await (await openArchive(sink.bytes())).size("frames")).toBe(framesFor(bytes));
  });
});
