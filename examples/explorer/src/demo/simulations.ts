import { float64, type Value } from "@peekpack/core";

/** Numbers that look random and are the same every time (mulberry32). */
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
 * Made-up results of `count` simulations, as a laboratory might keep them: for each its energy, where its atoms are, how the
 * energy converged and what was calculated. About 9 kB each.
 */
export function simulations(count: number): Value {
  const random = repeatable(20241);
  const gauss = (): number =>
    Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  const started = Date.UTC(2024, 2, 1);
  const entries: { [key: string]: Value } = {};
  const summary: Value[] = [];
  for (let i = 0; i < count; i++) {
    const [formula, atoms] = ELEMENTS[Math.floor(random() * ELEMENTS.length)]!;
    const functional = FUNCTIONALS[Math.floor(random() * FUNCTIONALS.length)]!;
    const energy = -5.42 * atoms + gauss() * 0.8 - (functional === "HSE06" ? 3.1 : 0);
    const gap = Math.max(0, 1.6 + gauss() * 0.9);
    const steps = 40 + Math.floor(random() * 50);
    const id = `run-${String(i).padStart(5, "0")}`;
    const energies = Array.from({ length: steps }, (_, step) =>
      float64(energy + 4 * Math.exp(-step / 7) + gauss() * 0.002),
    );
    const positions = Array.from({ length: atoms * 12 }, () =>
      Array.from({ length: 3 }, () => float64(Number((random() * 10).toFixed(5)))),
    );
    entries[id] = {
      energy: float64(energy),
      band_gap: float64(gap),
      converged: random() > 0.04,
      material: { formula, atoms, functional },
      positions,
      convergence: energies,
      finished: new Date(started + i * 743_000 + Math.floor(random() * 600_000)),
      checksum: Uint8Array.from({ length: 20 }, () => Math.floor(random() * 256)),
      remarks: random() > 0.7 ? "Symmetry was broken on purpose; see the second run." : null,
    };
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
    entries,
    summary,
    spectrum: Array.from({ length: 20_000 }, (_, i) =>
      float64(
        Math.exp(-(((i - 6000) / 900) ** 2)) +
          0.55 * Math.exp(-(((i - 11_500) / 350) ** 2)) +
          0.3 * Math.exp(-(((i - 14_000) / 1600) ** 2)) +
          gauss() * 0.012,
      ),
    ),
    trajectory: Array.from({ length: 600 }, (_, step) =>
      Array.from({ length: 3 }, (_, axis) =>
        float64(Math.sin(step / (23 + axis * 9)) * (3 - axis * 0.7) + gauss() * 0.05),
      ),
    ),
  };
}
