import { afterEach, expect, it, vi } from "vitest";
import { progressReporter, type UploadProgress } from "../src/upload-progress.js";

afterEach(() => vi.useRealTimers());

it("the rate of a resumed upload does not count the parts of an earlier process", () => {
  vi.useFakeTimers({ toFake: ["performance"] });
  const rates: number[] = [];
  const reporter = progressReporter(({ rate }: UploadProgress) => rates.push(rate));
  reporter.update({ phase: "uploading", bytesProduced: 1000, totalBytes: 1000 });
  vi.advanceTimersByTime(500);
  reporter.update({ bytesUploaded: 900, parts: { uploaded: 9, total: 10 } });
  vi.advanceTimersByTime(1000);
  reporter.update({ bytesUploaded: 950, parts: { uploaded: 9, total: 10 } });
  expect(rates).toEqual([0, 0, 50]);
});
