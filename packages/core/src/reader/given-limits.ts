import { DEFAULT_LIMITS, type Limits } from "./limits.js";

/**
 * The given limits over the defaults.
 * @throws RangeError when one is not a positive integer.
 */
export function resolveLimits(given: Partial<Limits> = {}): Limits {
  const limits: { -readonly [Name in keyof Limits]: number } = { ...DEFAULT_LIMITS };
  for (const [name, value] of Object.entries(given)) {
    if (value === undefined) continue;
    if (!(Number.isSafeInteger(value) && value > 0)) {
      throw new RangeError(`limits.${name} is a positive integer.`);
    }
    limits[name as keyof Limits] = value;
  }
  return limits;
}
