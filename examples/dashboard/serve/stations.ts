import { listOf, type MapStream, mapOf } from "@peekpack/core";

/** The years 2023 to 2025. */
const HOURS = 1096 * 24;
/** Encoded size of a station's three columns: 9 bytes for each number. */
const STATION_BYTES = HOURS * 3 * 9;

const KINDS = [
  { name: "coast", elevation: [1, 40], swing: 3 },
  { name: "valley", elevation: [150, 900], swing: 7 },
  { name: "plateau", elevation: [900, 2200], swing: 6 },
  { name: "summit", elevation: [2200, 4300], swing: 2 },
] as const;

/** How many stations make an archive of about `bytes` bytes. At least 4. */
export function stationsFor(bytes: number): number {
  return Math.max(4, Math.round(bytes / STATION_BYTES));
}

/**
 * Three years of hourly measurements of invented weather stations, generated while they are written: `about`, `series` with the
 * columns of each station, and `stations` with one short record each. Memory does not grow with the columns.
 * @param onStation receives how many stations were generated so far
 */
export function weather(count: number, onStation: (done: number) => void): MapStream {
  const start = new Date("2023-01-01T00:00:00Z");
  const about = {
    title: "Weather stations",
    start,
    hours: HOURS,
    stations: count,
    columns: [
      { name: "temperature", label: "Temperature", unit: "°C" },
      { name: "wind", label: "Wind", unit: "m/s" },
      { name: "pressure", label: "Pressure", unit: "hPa" },
    ],
  };
  const seasons = Float64Array.from({ length: HOURS }, (_, hour) => -Math.cos((hour / 8766) * 2 * Math.PI));
  const days = Float64Array.from({ length: HOURS }, (_, hour) => -Math.cos((hour / 24) * 2 * Math.PI));
  const records: unknown[] = [];

  function* series(): Generator<readonly [string, unknown]> {
    for (let index = 0; index < count; index++) {
      const kind = KINDS[index % KINDS.length]!;
      const random = randomNumbers(index + 1);
      const between = (low: number, high: number): number => low + (high - low) * random();
      const elevation = Math.round(between(kind.elevation[0], kind.elevation[1]));
      const latitude = between(-60, 70);
      const mean = 27 - Math.abs(latitude) * 0.45 - elevation * 0.0062;
      const season = (latitude < 0 ? -1 : 1) * Math.abs(latitude) * 0.22;
      const normal = 1013 * Math.exp(-elevation / 8430);
      const columns = {
        temperature: column(
          (hour, drift) => mean + season * seasons[hour]! + kind.swing * days[hour]! + drift * 4,
          random,
        ),
        wind: column((_, drift) => Math.max(0, 4 + elevation / 600 + drift * 3), random),
        pressure: column((_, drift) => normal + drift * 7, random),
      };
      const { temperature } = columns;
      const id = `${kind.name}-${String(index).padStart(5, "0")}`;
      records.push({
        id,
        kind: kind.name,
        elevation,
        latitude: rounded(latitude, 100),
        longitude: rounded(between(-180, 180), 100),
        mean: rounded(temperature.reduce((sum, value) => sum + value, 0) / HOURS, 10),
        coldest: rounded(
          temperature.reduce((low, value) => Math.min(low, value)),
          10,
        ),
        warmest: rounded(
          temperature.reduce((high, value) => Math.max(high, value)),
          10,
        ),
      });
      yield [id, columns];
      onStation(index + 1);
    }
  }
  return mapOf([
    ["about", about],
    ["series", mapOf(series(), { count })],
    // The writer comes to these when all series are written.
    ["stations", listOf(records.values(), { count })],
  ]);
}

/** A column of one value for each hour, in tenths. `drift` wanders slowly around 0, as weather does. */
function column(value: (hour: number, drift: number) => number, random: () => number): Float32Array {
  const values = new Float32Array(HOURS);
  let drift = 0;
  for (let hour = 0; hour < HOURS; hour++) {
    drift += (random() - 0.5) * 0.3 - drift * 0.01;
    values[hour] = Math.round(value(hour, drift) * 10) / 10;
  }
  return values;
}

const rounded = (value: number, steps: number): number => Math.round(value * steps) / steps;

/** Random numbers from 0 to 1, the same for the same seed (mulberry32). */
function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
