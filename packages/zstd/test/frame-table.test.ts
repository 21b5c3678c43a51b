import { describe, expect, it } from "vitest";
import { FrameTable } from "../src/frame-table.js";
import { decodeFooter, SeekTableBuilder } from "../src/seek-table.js";

describe("the table of 655,360 frames, which are 40 GB", () => {
  const frames = 655_360;
  const sizes = (i: number): number => 4000 + (i % 7);
  const builder = new SeekTableBuilder();
  let total = 0;
  for (let i = 0; i < frames; i++) {
    builder.add(sizes(i), 65_536, i);
    total += sizes(i);
  }
  const written = builder.encode(true);
  const size = total + written.length;
  const extent = decodeFooter(written.subarray(-9), size, "file");
  let bytesRead = 0;
  const read = async (start: number, end: number): Promise<Uint8Array> => {
    expect(start).toBeGreaterThanOrEqual(total);
    bytesRead += end - start;
    return written.subarray(start - total, end - total);
  };

  it("costs a directory of 11 KB, then a page of 12 KB for each value", async () => {
    bytesRead = 0;
    const table = await FrameTable.open("file", extent, 2 ** 24, read);
    expect(table.size).toBe(frames * 65_536);
    expect(bytesRead).toBeLessThan(11_000);
    for (const i of [0, 1, 1023, 1024, 300_000, frames - 1]) {
      const [frame, ...others] = await table.frames({ start: i * 65_536 + 5, end: i * 65_536 + 6 }, read);
      expect(others).toEqual([]);
      expect(frame).toMatchObject({ content: { start: i * 65_536 }, checksum: i });
      expect(frame!.compressed.end - frame!.compressed.start).toBe(sizes(i));
    }
    // Four pages, of which one is read once only.
    expect(bytesRead).toBeLessThan(11_000 + 4 * 12_288);
  });

  it("finds the frames of a range across pages", async () => {
    const table = await FrameTable.open("file", extent, 2 ** 24, read);
    const found = await table.frames({ start: 1000 * 65_536, end: 3100 * 65_536 + 1 }, read);
    expect(found.map(({ checksum }) => checksum)).toEqual(Array.from({ length: 2101 }, (_, i) => 1000 + i));
    expect(await table.frames({ start: table.size, end: table.size }, read)).toEqual([]);
  });

  it("shares a page among reads at the same time, and reads it again after a failure", async () => {
    const table = await FrameTable.open("file", extent, 2 ** 24, read);
    const range = { start: 5 * 65_536, end: 5 * 65_536 + 1 };
    const failing = async (): Promise<Uint8Array> => Promise.reject(new Error("offline"));
    await expect(table.frames(range, failing)).rejects.toThrow("offline");
    bytesRead = 0;
    await Promise.all([table.frames(range, read), table.frames(range, read)]);
    expect(bytesRead).toBe(12_288);
  });
});
