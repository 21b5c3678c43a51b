import { PeekpackError } from "../errors.js";
import { publicCause } from "./public-cause.js";
import type { RangeTransport, Refusal } from "./range-transport.js";

/** Renews the authorization of a transport, once for all requests that were refused with the same one. */
export interface AuthorizationRenewal {
  /** Renews for a refused request that was sent at `startedAt` (`performance.now()`). Resolves with whether to send it again. */
  renew(startedAt: number, refusal: Refusal): Promise<boolean>;
}

/** Makes an {@link AuthorizationRenewal}. */
export function authorizationRenewal(label: string, transport: RangeTransport): AuthorizationRenewal {
  let renewing: Promise<boolean> | undefined;
  let renewedAt = Number.NEGATIVE_INFINITY;
  return {
    async renew(startedAt, refusal) {
      // Another refused request has renewed since.
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
