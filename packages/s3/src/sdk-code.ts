import { isPeekpackError, PeekpackError } from "@peekpack/core";
import { loadFeature } from "@peekpack/core/internal";

/** The AWS SDK for S3. */
export type Sdk = typeof import("@aws-sdk/client-s3");

/** The SDK is an optional peer: not everyone who reads or signs with fetch installs its 80 MB. */
const ABSENT =
  /Cannot find (package|module)|Could not resolve|Failed to resolve|Failed to load external module/i;

/**
 * Loads the AWS SDK when it is first used.
 * @throws PeekpackError `denied` if it is not installed, `network` if its code cannot be loaded
 */
export function loadSdk(): Promise<Sdk> {
  return loadPackage("writing to S3 with the AWS SDK", async () => {
    // Bundlers accept that a package is missing if its import is within `try`.
    try {
      return installed(await import("@aws-sdk/client-s3"), "@aws-sdk/client-s3");
    } catch (error) {
      throw orAbsent(error, "@aws-sdk/client-s3");
    }
  });
}

/** Loads the handler that lets the SDK send requests by fetch. @throws PeekpackError as {@link loadSdk} */
export function loadFetchHandler(): Promise<typeof import("@smithy/fetch-http-handler")> {
  return loadPackage("sending requests of the AWS SDK", async () => {
    try {
      return installed(await import("@smithy/fetch-http-handler"), "@smithy/fetch-http-handler");
    } catch (error) {
      throw orAbsent(error, "@smithy/fetch-http-handler");
    }
  });
}

/** Whether the AWS SDK is installed. Loads it. @throws PeekpackError `network` if its code cannot be loaded */
export async function isSdkInstalled(): Promise<boolean> {
  try {
    await loadSdk();
    return true;
  } catch (error) {
    if (isPeekpackError(error) && error.code === "denied") return false;
    throw error;
  }
}

/** Like `loadFeature`, but an error that says that a package is not installed is not taken for a failed download. */
async function loadPackage<T>(feature: string, load: () => Promise<T>): Promise<T> {
  try {
    return await loadFeature(feature, load);
  } catch (error) {
    const { cause } = error as Error;
    throw isPeekpackError(cause) ? cause : error;
  }
}

/** Parcel replaces a package by an empty module, as this package's manifest tells it to. */
function installed<T extends object>(module: T, name: string): T {
  if (Object.keys(module).length === 0) throw new Error(`Cannot find package '${name}'`);
  return module;
}

/** The error of a package that is not installed; any other error unchanged. */
function orAbsent(error: unknown, name: string): unknown {
  const { code, message } = error as { readonly code?: unknown; readonly message?: unknown };
  const absent =
    code === "ERR_MODULE_NOT_FOUND" ||
    code === "MODULE_NOT_FOUND" ||
    (ABSENT.test(String(message)) && String(message).includes(name));
  if (!absent) return error;
  return new PeekpackError(
    "denied",
    `Writing with the AWS SDK needs the package ${name}, which is not installed. Install it (npm install ${name}), or use writer: "fetch".`,
    { section: "sink", cause: error },
  );
}
