import { PeekpackError } from "../errors.js";
import { publicCause } from "./public-cause.js";
import type { RangeTransport, Refusal } from "./range-transport.js";

/** Gets new authorizations for a transport, one for all requests that were refused with the same. */
export interface Renewal {
  /** Gets one for a request that left at `startedAt` (`performance.now()`). Whether asking again makes sense. */
  renew(startedAt: number, refusal: Refusal): Promise<boolean>;
}

/** Makes a {@link Renewal}. */
export function renewal(label: string, transport: RangeTransport): Renewal {
  let renewing: Promise<boolean> | undefined;
  let renewedAt = Number.NEGATIVE_INFINITY;
  return {
    async renew(startedAt, refusal) {
      // Another request that was refused has seen to it.
      if (startedAt < renewedAt) return true;
      renewing ??= transport.renew!(refusal).finally(() => {
        renewedAt = performance.now();
        renewing = undefined;
      });
      try {
        return await renewing;
      } catch (error) {
        throw new PeekpackError("denied", `${label}: no new authorization.`, {
          section: "source",
          cause: publicCause(error),
        });
      }
    },
  };
}
