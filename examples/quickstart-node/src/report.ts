/** The cost of a read. */
export interface Cost {
  readonly requests: number;
  readonly roundTrips: number;
  readonly bytes: number;
  readonly ms: number;
}

export const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`;

export const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;

const grouped = (count: number): string => count.toLocaleString("en");

/** A table with one row for each cost. */
export function costTable(rows: readonly (readonly [name: string, cost: Cost])[]): string {
  const cells = [
    ["", "requests", "round trips", "bytes", "time"],
    ...rows.map(([name, { requests, roundTrips, bytes, ms }]) => [
      name,
      grouped(requests),
      grouped(roundTrips),
      grouped(bytes),
      `${ms.toFixed(0)} ms`,
    ]),
  ];
  const widths = cells[0]!.map((_, column) => Math.max(...cells.map((row) => row[column]!.length)));
  return cells
    .map(([name, ...numbers]) =>
      [name!.padEnd(widths[0]!), ...numbers.map((text, i) => text.padStart(widths[i + 1]!))].join("   "),
    )
    .join("\n");
}
