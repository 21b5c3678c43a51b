import { encodeArchive, type RangeSource, type Value } from "@peekpack/core";
import { encodeHeader } from "@peekpack/core/internal";

/** The length of an archive's header in bytes. */
const HEADER_SIZE = 50;
/** Runs in the archive, and numbers in the series of each. */
export const RUNS = 2000;
const SAMPLES = 2_222_222;
/** A float in MessagePack: a byte for its type, and 8. */
const FLOAT_BYTES = 9;

const ABOUT =
  "40 GB of numbers. They are computed when they are asked for: the archive is stored nowhere, and its bytes are always the same.";

/** A text in MessagePack: at most 255 bytes of ASCII. */
function text(characters: string): number[] {
  const bytes = [...characters].map((character) => character.charCodeAt(0));
  return bytes.length < 32 ? [0xa0 + bytes.length, ...bytes] : [0xd9, bytes.length, ...bytes];
}

const uint32 = (value: number): number[] => [
  value >>> 24,
  (value >>> 16) & 255,
  (value >>> 8) & 255,
  value & 255,
];

/** What every run begins with: a map of `energy`, 9 bytes that follow, and `samples`, a list. */
const ENERGY_AT = 1 + text("energy").length;
const SAMPLES_AT = ENERGY_AT + FLOAT_BYTES + text("samples").length;
const FLOATS_AT = SAMPLES_AT + 5;
const RUN_BYTES = FLOATS_AT + SAMPLES * FLOAT_BYTES;
/** The data before the first run: a map of `about` and `runs`, a list. */
const ABOUT_AT = 1 + text("about").length;
const RUNS_AT = ABOUT_AT + text(ABOUT).length + text("runs").length;
const FIRST_RUN_AT = RUNS_AT + 5;
const DATA_BYTES = FIRST_RUN_AT + RUNS * RUN_BYTES;

/** The energy of a run. */
export function energyOf(run: number): number {
  return -40 - 25 * Math.abs(Math.sin(run * 12.9898));
}

function sampleOf(run: number, index: number): number {
  return Math.sin(index / (9000 + run)) * Math.exp(-index / SAMPLES) + Math.sin(index * 78.233) * 0.05;
}

/** An archive of 40 GB whose bytes are computed when they are read. No byte of it is stored. */
export function fortyGigabytes(): RangeSource {
  const start = Uint8Array.of(0x82, ...text("about"), ...text(ABOUT), ...text("runs"), 0xdd, ...uint32(RUNS));
  const toc = tableOfContents();
  const header = encodeHeader({ protocol: "msgpack", tocStart: DATA_BYTES, tocSize: toc.length });
  const size = HEADER_SIZE + DATA_BYTES + toc.length;

  const bytesOf = (from: number, to: number): Uint8Array => {
    const bytes = new Uint8Array(to - from);
    /** Copies the part of a piece that is asked for. @param at where the piece starts */
    const put = (piece: Uint8Array, at: number): void => {
      const first = Math.max(from, at);
      const last = Math.min(to, at + piece.length);
      if (first < last) bytes.set(piece.subarray(first - at, last - at), first - from);
    };
    put(header, 0);
    put(start, HEADER_SIZE);
    put(toc, HEADER_SIZE + DATA_BYTES);
    const runsAt = HEADER_SIZE + FIRST_RUN_AT;
    const firstRun = Math.max(0, Math.floor((from - runsAt) / RUN_BYTES));
    for (let run = firstRun; run < RUNS && runsAt + run * RUN_BYTES < to; run++) {
      const at = runsAt + run * RUN_BYTES;
      put(runStart(run), at);
      const floatsAt = at + FLOATS_AT;
      const firstFloat = Math.max(0, Math.floor((from - floatsAt) / FLOAT_BYTES));
      const endFloat = Math.min(SAMPLES, Math.ceil((to - floatsAt) / FLOAT_BYTES));
      if (firstFloat < endFloat) {
        put(floats(run, firstFloat, endFloat), floatsAt + firstFloat * FLOAT_BYTES);
      }
    }
    return bytes;
  };

  return {
    label: "forty gigabytes",
    async probe({ head, tail }) {
      const [headEnd, tailStart] = [Math.min(head, size), Math.max(0, size - tail)];
      return { size, version: '"1"', head: bytesOf(0, headEnd), tail: bytesOf(tailStart, size) };
    },
    read: async (ranges) => ranges.map(({ start, end }) => bytesOf(start, end)),
  };
}

function floats(run: number, first: number, end: number): Uint8Array {
  const bytes = new Uint8Array((end - first) * FLOAT_BYTES);
  const view = new DataView(bytes.buffer);
  for (let index = first; index < end; index++) {
    const at = (index - first) * FLOAT_BYTES;
    bytes[at] = 0xcb;
    view.setFloat64(at + 1, sampleOf(run, index));
  }
  return bytes;
}

function runStart(run: number): Uint8Array {
  const energy = new Uint8Array(FLOAT_BYTES);
  energy[0] = 0xcb;
  new DataView(energy.buffer).setFloat64(1, energyOf(run));
  return Uint8Array.of(0x82, ...text("energy"), ...energy, ...text("samples"), 0xdd, ...uint32(SAMPLES));
}

/** The table of contents in MessagePack: that of every value, 150 kB. */
function tableOfContents(): Uint8Array {
  const runs: Value[] = [];
  for (let run = 0; run < RUNS; run++) {
    const at = FIRST_RUN_AT + run * RUN_BYTES;
    const t = {
      energy: { p: [at + ENERGY_AT, at + ENERGY_AT + FLOAT_BYTES] },
      samples: { p: [at + SAMPLES_AT, at + RUN_BYTES] },
    };
    runs.push({ p: [at, at + RUN_BYTES], t });
  }
  const t = {
    about: { p: [ABOUT_AT, ABOUT_AT + text(ABOUT).length] },
    runs: { p: [RUNS_AT, DATA_BYTES], t: runs },
  };
  // The data of an archive of the table are the table in MessagePack. The header says in its bytes 36 to 40 how long they are: the
  // table takes between 64 KiB and 4 GiB.
  const archive = encodeArchive({ p: [0, DATA_BYTES], t });
  const length = new DataView(archive.buffer, archive.byteOffset).getUint32(36);
  return archive.slice(HEADER_SIZE, HEADER_SIZE + length);
}
