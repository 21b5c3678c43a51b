import { skippedAsAbsent } from "@peekpack/testing";
import { locateBrowser } from "@peekpack/testing/browser";
import { archiveSinkContract, type SinkPlace } from "@peekpack/testing/contracts/archive-sink";
import { memoryTarget } from "@peekpack/testing/contracts/memory-target";
import { spoolContract } from "@peekpack/testing/contracts/spool";
import { afterAll, beforeAll, describe } from "vitest";
import type { PendingUpload } from "../../src/index.js";
import { type ChromiumSpools, openChromium } from "./chromium-spools.js";

const MiB = 2 ** 20;
const browser = await locateBrowser();

describe.skipIf(skippedAsAbsent("Chromium", browser.absent))("Chromium", () => {
  let page: ChromiumSpools;
  beforeAll(async () => {
    page = await openChromium(browser);
  });
  afterAll(() => page?.close());

  let count = 0;
  const fresh = (): string => `contract-${++count}`;
  const storage = "opfs";

  archiveSinkContract("spool in OPFS", () => ({
    lasting: true,
    versioned: true,
    spills: true,
    largeBytes: 11 * MiB,
    place(): SinkPlace {
      const target = memoryTarget();
      const directory = fresh();
      const options = { directory, storage, partSize: 5 * MiB } as const;
      return {
        sink: () => page.functions.spoolSink(target, options),
        stored: async () => target.object,
        leftovers: async () => (await page.call<number>("leftovers", directory)) + target.uploads.size,
      };
    },
  }));

  // Takes minutes: all bytes pass between Node and the page. e2e/web-storage covers most of it in every run.
  if (process.env.PEEKPACK_LONG !== undefined) {
    describe("a long run", { timeout: 300_000 }, () => {
      spoolContract<PendingUpload>("OPFS", () => ({
        functions: {
          ...page.functions,
          spoolSink: (target, options) => {
            const inOpfs = { ...options, storage } as const;
            return page.functions.spoolSink(target, inOpfs);
          },
        },
        fresh,
        kill: () => page.killPage(),
        damageJournal: (pending) => page.call("damageJournal", pending),
        damageArchive: (pending) => page.call("damageArchive", pending),
        changeLayout: (pending) => page.call("changeLayout", pending),
        leftovers: (directory) => page.call<number>("leftovers", directory),
      }));
    });
  }
});
