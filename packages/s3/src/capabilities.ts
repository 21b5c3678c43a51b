import { CAPABILITIES, type Capability, type CapabilityName } from "./capability.js";
import { checkCapabilities } from "./capability-checks.js";
import { type ProbeContext, ProbeSession } from "./probe-session.js";

/** The features of an endpoint. */
export interface StoreCapabilities extends Readonly<Record<CapabilityName, Capability>> {
  /** The bucket or prefix that was probed. */
  readonly label: string;
  /** The explanations of missing features. */
  readonly missing: readonly string[];
}

/** Options of `store.capabilities`. */
export interface CapabilityOptions {
  /** Origin of pages whose access by CORS is probed, as in 'https://app.example'. Default in a page: its own. */
  readonly origin?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Probes the features of an endpoint with about forty small requests. Writes an object of 16 bytes under the prefix, and deletes
 * it.
 */
export async function findCapabilities(
  context: ProbeContext,
  options: CapabilityOptions = {},
): Promise<StoreCapabilities> {
  const found = new Map<CapabilityName, Capability>();
  await checkCapabilities(
    new ProbeSession(context, options.signal),
    (name, supported, explanation) => found.set(name, { supported, explanation }),
    options.origin,
  );
  const all = Object.fromEntries(
    CAPABILITIES.map((name) => [
      name,
      found.get(name) ?? { supported: undefined, explanation: "It was not probed." },
    ]),
  ) as Record<CapabilityName, Capability>;
  const missing = CAPABILITIES.filter((name) => all[name].supported === false).map(
    (name) => all[name].explanation,
  );
  const { conditionalReplace, conditionalComplete, atomicComplete } = all;
  // Completions that are not atomic are no safer than those without a condition.
  const complete = atomicComplete.supported === undefined ? conditionalComplete : atomicComplete;
  if (conditionalReplace.supported !== undefined) context.safety.put = conditionalReplace;
  if (complete.supported !== undefined) context.safety.complete = complete;
  return { ...all, label: context.label, missing };
}
