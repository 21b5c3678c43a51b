import { type } from "arktype";
import * as v from "valibot";
import { describe, expect, expectTypeOf, it } from "vitest";
import * as z from "zod";
import {
  encodeArchive,
  isPeekpackError,
  openArchive,
  SchemaError,
  type StandardSchema,
} from "../src/index.js";

const data = {
  entries: [
    { name: "one", gap: 1.5 },
    { name: "two", gap: "wide" },
  ],
};
const open = () => openArchive(encodeArchive(data));

const zod = z.object({ name: z.string(), gap: z.number() });
const valibot = v.object({ name: v.string(), gap: v.number() });
const ark = type({ name: "string", gap: "number" });
const schemas = { zod, valibot, arktype: ark } satisfies Record<
  string,
  StandardSchema<{ name: string; gap: number }>
>;

describe.each(Object.entries(schemas))("read with a schema of %s", (_, schema) => {
  it("gives a value that fits", async () => {
    expect(await (await open()).read("entries/0", { schema })).toEqual({ name: "one", gap: 1.5 });
  });

  it("rejects one that does not, with the issues and the path", async () => {
    const error = await (await open()).read(["entries", 1], { schema }).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(SchemaError);
    expect(isPeekpackError(error) && error.code).toBe("unsupported-value");
    const { issues, path, message } = error as SchemaError;
    expect(path).toEqual(["entries", 1]);
    expect(issues).toHaveLength(1);
    expect(message).toMatch(/^entries\/1\/gap: /);
  });
});

describe("read with a schema", () => {
  it("has the type of the schema's output", async () => {
    const archive = await open();
    expectTypeOf(await archive.read("entries/0", { schema: zod })).toEqualTypeOf<{
      name: string;
      gap: number;
    }>();
    expectTypeOf(await archive.read("entries/0", { schema: valibot })).toEqualTypeOf<{
      name: string;
      gap: number;
    }>();
    expectTypeOf(await archive.read("entries/0", { schema: ark })).toEqualTypeOf<{
      name: string;
      gap: number;
    }>();
  });

  it("gives what the schema makes of the value, also if it takes time", async () => {
    const schema = z.string().transform(async (name) => name.length);
    const length = await (await open()).read("entries/0/name", { schema });
    expectTypeOf(length).toEqualTypeOf<number>();
    expect(length).toBe(3);
  });

  it("tells how many issues there are", async () => {
    const archive = await open();
    await expect(
      archive.read("entries", { schema: z.array(z.object({ name: z.number() })) }),
    ).rejects.toThrow(/^entries\/0\/name: .* \(and 1 more\)$/);
  });
});
