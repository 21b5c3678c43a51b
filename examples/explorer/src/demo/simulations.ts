import { float64, type Value } from "@peekpack/core";

/** Pseudorandom numbers from a fixed seed (mulberry32). */
function repeatable(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const ELEMENTS = [
  ["Si", 8],
  ["GaAs", 8],
  ["TiO2", 12],
  ["MgO", 8],
  ["NaCl", 8],
  ["SrTiO3", 20],
  ["ZnO", 16],
  ["Cu", 4],
] as const;
const FUNCTIONALS = ["PBE", "PBEsol", "SCAN", "HSE06"] as const;

/**
 * Generated results of `count` simulations: for each the energy, the positions of the atoms at every step, the convergence
 * and the parameters. About 70 kB each; a number takes a few bytes.
 */
export function simulations(count: number): Value {
  const random = repeatable(20241);
  const gauss = (): number => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  const started = Date.UTC(2024, 2, 1);
  const entries: { [key: string]: Value | Float64Array | Float64Array[] } = {};
  const summary: Value[] = [];
  for (let i = 0; i < count; i++) {
    const [formula, atoms] = ELEMENTS[Math.floor(random() * ELEMENTS.length)]!;
    const functional = FUNCTIONALS[Math.floor(random() * FUNCTIONALS.length)]!;
    const energy = -5.42 * atoms + gauss() * 0.8 - (functional === "HSE06" ? 3.1 : 0);
    const gap = Math.max(0, 1.6 + gauss() * 0.9);
    const steps = 1500 + Math.floor(random() * 800);
    const id = `run-${String(i).padStart(5, "0")}`;
    entries[id] = {
      energy: float64(energy),
      band_gap: float64(gap),
      converged: random() > 0.04,
      material: { formula, atoms, functional },
      finished: new Date(started + i * 743_000 + Math.floor(random() * 600_000)),
      checksum: Uint8Array.from({ length: 20 }, () => Math.floor(random() * 256)),
      remarks: random() > 0.7 ? "Symmetry was broken on purpose; see the second run." : null,
      convergence: Float64Array.from(
        { length: steps },
        (_, step) => energy + 4 * Math.exp(-step / 240) + gauss() * 0.02,
      ),
      positions: Array.from({ length: atoms * 120 }, () =>
        Float64Array.from({ length: 3 }, () => random() * 10),
      ),
      density: Array.from({ length: 48 }, (_, y) =>
        Float64Array.from({ length: 48 }, (_, x) => densityAt(x / 47, y / 47, atoms) + gauss() * 0.01),
      ),
    } as unknown as Value;
    summary.push({ id, formula, functional, energy: float64(energy), band_gap: float64(gap), steps });
  }
  return {
    about: {
      title: "A screening of eight materials",
      note: "Every number here is made up.",
      entries: count,
      units: { energy: "eV", positions: "Å", band_gap: "eV" },
      seed: 2n ** 61n + 11n,
    },
    entries: entries as Value,
    summary,
    spectrum: Float64Array.from(
      { length: 50_000 },
      (_, i) =>
        Math.exp(-(((i - 15_000) / 2250) ** 2)) +
        0.55 * Math.exp(-(((i - 28_750) / 875) ** 2)) +
        0.3 * Math.exp(-(((i - 35_000) / 4000) ** 2)) +
        gauss() * 0.012,
    ) as unknown as Value,
    trajectory: Array.from({ length: 1200 }, (_, step) =>
      Float64Array.from(
        { length: 3 },
        (_, axis) => Math.sin(step / (23 + axis * 9)) * (3 - axis * 0.7) + gauss() * 0.05,
      ),
    ) as unknown as Value,
  };
}

/** Bumps of charge on a lattice, within a unit square. */
function densityAt(x: number, y: number, atoms: number): number {
  const cells = atoms > 10 ? 3 : 2;
  const dx = ((x * cells) % 1) - 0.5;
  const dy = ((y * cells) % 1) - 0.5;
  return Math.exp(-(dx * dx + dy * dy) * 18) + 0.4 * Math.exp(-((dx - 0.3) ** 2 + (dy + 0.2) ** 2) * 60);
}
