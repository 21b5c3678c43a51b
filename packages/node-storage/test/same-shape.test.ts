import type * as web from "@peekpack/web-storage";
import { expectTypeOf, it } from "vitest";
import type * as node from "../src/index.js";

it("has the same pending uploads and options as web-storage, but for documented extras", () => {
  expectTypeOf<Omit<node.PendingUpload, "path">>().toEqualTypeOf<
    Omit<web.PendingUpload, "storage" | "bytesSealed" | "active">
  >();
  expectTypeOf<node.SpoolUploadOptions>().toEqualTypeOf<
    Omit<web.SpoolUploadOptions, "meter" | "removeUploaded">
  >();
  expectTypeOf<node.SpoolSinkOptions>().toEqualTypeOf<
    Omit<web.SpoolSinkOptions, "meter" | "removeUploaded" | "storage" | "worker" | "persist">
  >();
});
