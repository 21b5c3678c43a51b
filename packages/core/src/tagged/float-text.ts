/** A float as Python's `repr` prints it: the shortest digits that read back as the same float. */
export function floatText(value: number): string {
  if (Number.isNaN(value)) return "nan";
  if (!Number.isFinite(value)) return value > 0 ? "inf" : "-inf";
  if (Object.is(value, -0)) return "-0.0";
  const [digits, power] = value.toExponential().split("e") as [string, string];
  const exponent = Number(power);
  // Python prints an exponent below 1e-4 and from 1e16 on; JavaScript below 1e-6 and from 1e21 on.
  if (exponent < -4 || exponent >= 16) {
    return `${digits}e${exponent < 0 ? "-" : "+"}${String(Math.abs(exponent)).padStart(2, "0")}`;
  }
  const plain = String(value);
  return plain.includes(".") ? plain : `${plain}.0`;
}

/** The float that a text stands for. Undefined if the text has another form. */
export function parseFloatText(text: string): number | undefined {
  if (text === "nan") return Number.NaN;
  if (text === "inf" || text === "-inf") return Number(text.replace("inf", "Infinity"));
  return /^-?\d+(\.\d+)?(e[+-]?\d+)?$/.test(text) ? Number(text) : undefined;
}
