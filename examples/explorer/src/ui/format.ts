import { formatSize } from "@peekpack/core/inspect";

const whole = new Intl.NumberFormat("en");

/** A count with thousands separators: 10,000. */
export function count(value: number): string {
  return whole.format(value);
}

/** A size in bytes with three digits: 412 kB. Number and unit stay in one line. */
export function size(bytes: number): string {
  return formatSize(bytes, "\u00a0");
}

/** A duration: 85 ms, 1.2 s. */
export function duration(ms: number): string {
  if (ms < 1) return "<\u20091\u00a0ms";
  if (ms < 1000) return `${Math.round(ms)}\u00a0ms`;
  if (ms < 100_000) return `${(ms / 1000).toFixed(ms < 10_000 ? 1 : 0)}\u00a0s`;
  return `${Math.round(ms / 60_000)}\u00a0min`;
}

/** A share in percent. Not 0 unless the part is 0. */
export function share(part: number, all: number): string {
  if (all <= 0) return "0\u00a0%";
  const percent = (part / all) * 100;
  if (part > 0 && percent < 0.001) return "<\u20090.001\u00a0%";
  const digits = percent >= 10 ? 0 : percent >= 1 ? 1 : percent >= 0.1 ? 2 : 3;
  return `${percent.toFixed(digits)}\u00a0%`;
}

/** A measured number, short: for axes and summaries. */
export function measure(value: number): string {
  if (Number.isInteger(value) && Math.abs(value) < 1e7) return value.toString().replace("-", "\u2212");
  const magnitude = Math.abs(value);
  const text =
    magnitude !== 0 && (magnitude >= 1e6 || magnitude < 1e-3) ? value.toExponential(3) : value.toPrecision(5);
  return String(magnitude >= 1e6 || magnitude < 1e-3 ? text : Number(text)).replace("-", "\u2212");
}

/** "1 entry", "10,000 entries". */
export function counted(value: number, one: string, many: string = `${one}s`): string {
  return `${count(value)} ${value === 1 ? one : many}`;
}
