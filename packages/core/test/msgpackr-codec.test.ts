import { addExtension } from "msgpackr";
import { expect, it } from "vitest";
import { msgpackrCodec } from "../src/codec/msgpackr-codec.js";
import { Ext, encodeArchive, openArchive } from "../src/index.js";

it("decodes what the built-in decoder does, single values and blocks", async () => {
  const value = {
    texts: Array.from({ length: 50 }, (_, i) => `text ${i} `.repeat(40)),
    numbers: Array.from({ length: 5000 }, (_, i) => i % 100),
    wide: 2n ** 60n,
    bytes: Uint8Array.of(1, 2, 3),
  };
  const bytes = encodeArchive(value, { smallObjectThreshold: 256 });
  for (const maps of ["object", "map"] as const) {
    const exact = await openArchive(bytes, { maps });
    const archive = await openArchive(bytes, { maps, codec: msgpackrCodec() });
    expect(await archive.read()).toEqual(await exact.read());
    expect(await archive.read("numbers/4321")).toBe(21);
  }
});

it("decodes extension types that are registered with msgpackr", async () => {
  class Celsius {
    readonly degrees: number;
    constructor(degrees: number) {
      this.degrees = degrees;
    }
  }
  addExtension({
    Class: Celsius,
    type: 42,
    pack: ({ degrees }: Celsius) => Uint8Array.of(degrees),
    unpack: ([degrees]: Uint8Array) => new Celsius(degrees!),
  });
  const archive = await openArchive(encodeArchive({ today: new Ext(42, Uint8Array.of(21)) }), {
    codec: msgpackrCodec(),
  });
  expect(await archive.read("today")).toEqual(new Celsius(21));
});

it("rejects damaged bytes as the built-in decoder does", async () => {
  const bytes = encodeArchive({ text: "abc" });
  bytes[bytes.indexOf(0x61, 55)] = 0xff;
  const archive = await openArchive(bytes, { codec: msgpackrCodec() });
  await expect(archive.read()).rejects.toMatchObject({ code: "corrupt" });
});
