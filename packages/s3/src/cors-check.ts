import type { ReportCapability } from "./capability.js";
import { inBrowser } from "./environment.js";
import { describeResponse, isOk, type ProbeResponse, type ProbeSession } from "./probe-session.js";

/** The headers of a signed request that reads a range. */
const SIGNED_HEADERS = ["authorization", "range", "x-amz-content-sha256", "x-amz-date"];

/** Checks whether pages of an origin may use the endpoint. `exists`: whether the probe's object exists. */
export async function checkCors(
  probe: ProbeSession,
  report: ReportCapability,
  origin: string | undefined,
  exists: boolean,
): Promise<void> {
  if (inBrowser()) {
    report("cors", true, `This page reads from the endpoint${exists ? " and writes to it" : ""}.`);
    return;
  }
  if (origin === undefined) return;
  const fail = (reason: string): void =>
    report(
      "cors",
      false,
      `${reason} Add a CORS rule to the bucket: AllowedOrigins ["${origin}"], AllowedMethods ["GET","PUT","POST","DELETE","HEAD"], AllowedHeaders ["*"], ExposeHeaders ["ETag","Content-Range"].`,
    );
  const preflight = await probe.sendAnonymously({
    method: "OPTIONS",
    headers: {
      origin,
      "access-control-request-method": "GET",
      "access-control-request-headers": SIGNED_HEADERS.join(","),
    },
  });
  if (!isOk(preflight) || !allows(preflight, "access-control-allow-origin", origin.toLowerCase())) {
    fail(`Pages of ${origin} have no access (${describeResponse(preflight)}).`);
    return;
  }
  const refused = SIGNED_HEADERS.filter((name) => !allows(preflight, "access-control-allow-headers", name));
  if (refused.length > 0) {
    fail(`Pages of ${origin} may not send ${refused.join(", ")}: signed requests fail, presigned URLs work.`);
    return;
  }
  if (exists) {
    const read = await probe.send({ method: "GET", headers: { origin, range: "bytes=0-1" } });
    const exposed = listOf(read, "access-control-expose-headers");
    const hidden = ["etag", "content-range"].filter(
      (name) => !exposed.includes(name) && !exposed.includes("*"),
    );
    if (hidden.length > 0) {
      fail(`Pages of ${origin} cannot see ${hidden.join(" and ")}.`);
      return;
    }
  }
  report("cors", true, `Pages of ${origin} have access.`);
}

function allows(response: ProbeResponse, header: string, value: string): boolean {
  const list = listOf(response, header);
  // A star stands for every header but Authorization (Fetch standard, CORS protocol).
  return list.includes(value) || (list.includes("*") && value !== "authorization");
}

function listOf({ headers }: ProbeResponse, header: string): string[] {
  return (headers.get(header) ?? "").toLowerCase().split(/\s*,\s*/);
}
