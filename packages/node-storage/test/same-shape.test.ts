import type { PutMode } from "@peekpack/s3";
import type * as web from "@peekpack/web-storage";
import { expectTypeOf, it } from "vitest";
import type * as node from "../src/index.js";

it("has the same pending uploads and options as web-storage, but for documented extras", () => {
  // A process may be killed before it records these; a page's journal entry is written in one transaction.
  type OfNode = { target: string | undefined; put: PutMode | undefined; begun: Date | undefined };
  type OfNodeState = Omit<node.PendingUpload, "path" | keyof OfNode | "state">;
  type OfWebState = Omit<web.PendingUpload, "storage" | "bytesSealed" | "active" | keyof OfNode | "state">;
  expectTypeOf<OfNodeState>().toEqualTypeOf<OfWebState>();
  expectTypeOf<Pick<node.PendingUpload, keyof OfNode>>().toEqualTypeOf<Readonly<OfNode>>();
  expectTypeOf<Exclude<node.PendingUpload["state"], "orphan">>().toEqualTypeOf<web.PendingUpload["state"]>();
  expectTypeOf<node.SpoolUploadOptions>().toEqualTypeOf<
    Omit<web.SpoolUploadOptions, "meter" | "removeUploaded">
  >();
  expectTypeOf<node.SpoolSinkOptions>().toEqualTypeOf<
    Omit<web.SpoolSinkOptions, "meter" | "removeUploaded" | "storage" | "worker" | "persist">
  >();
});
