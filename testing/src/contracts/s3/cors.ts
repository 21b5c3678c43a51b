import { GetBucketCorsCommand, PutBucketCorsCommand } from "@aws-sdk/client-s3";
import { beforeAll, describe, expect, it } from "vitest";
import { freshBucket, setCors } from "../../s3/client.js";
import { presign, sendRequest } from "../../s3/signing.js";
import { put, type Subject } from "./subject.js";

const ORIGIN = "http://page.example:5173";

const names = (header: string | undefined): string[] =>
  (header ?? "")
    .split(",")
    .map((name) => name.trim().toLowerCase())
    .filter((name) => name !== "");

/** Registers tests of CORS. */
export function corsTests(subject: Subject): void {
  describe("CORS", () => {
    beforeAll(() => setCors(subject().access, subject().bucket, [ORIGIN]));

    const preflight = async (
      origin: string,
      method: string,
      headers?: string,
      bucket: string = subject().bucket,
    ) => {
      const { access } = subject();
      return sendRequest({
        url: `${access.endpoint}/${bucket}/cors/object`,
        method: "OPTIONS",
        headers: {
          origin,
          "access-control-request-method": method,
          ...(headers === undefined ? {} : { "access-control-request-headers": headers }),
        },
      });
    };

    it("returns the rules that were put", async () => {
      const { client, bucket } = subject();
      const { CORSRules = [] } = await client.send(new GetBucketCorsCommand({ Bucket: bucket }));
      expect(CORSRules.length).toBe(1);
      expect(CORSRules[0]?.AllowedOrigins).toEqual([ORIGIN]);
      expect(CORSRules[0]?.AllowedMethods).toContain("PUT");
      expect(CORSRules[0]?.ExposeHeaders).toContain("ETag");
    });

    it("allows preflights of signed range reads and of writes from the allowed origin", async () => {
      const requested = "authorization, range, x-amz-content-sha256, x-amz-date";
      for (const method of ["GET", "PUT"]) {
        const response = await preflight(ORIGIN, method, requested);
        expect([200, 204]).toContain(response.status);
        expect(response.headers["access-control-allow-origin"]).toBe(ORIGIN);
        expect(names(response.headers["access-control-allow-methods"])).toContain(method.toLowerCase());
        expect(names(response.headers["access-control-allow-headers"])).toEqual(
          expect.arrayContaining(names(requested)),
        );
      }
    });

    it("allows no preflight from another origin", async () => {
      const response = await preflight("http://elsewhere.example", "GET", "range");
      expect(response.headers["access-control-allow-origin"]).toBeUndefined();
    });

    it("exposes ETag and Content-Range to a page, on success and on errors", async () => {
      const { access, bucket } = subject();
      await put(subject(), "cors/object", "0123456789");
      const url = await presign(access, { path: `${bucket}/cors/object` });
      const part = await sendRequest({ url, headers: { origin: ORIGIN, range: "bytes=0-3" } });
      expect(part.status).toBe(206);
      expect(part.headers["access-control-allow-origin"]).toBe(ORIGIN);
      expect(names(part.headers["access-control-expose-headers"])).toEqual(
        expect.arrayContaining(["etag", "content-range", "content-length", "accept-ranges"]),
      );
      const absent = await presign(access, { path: `${bucket}/cors/none` });
      const refused = await sendRequest({ url: absent, headers: { origin: ORIGIN } });
      expect(refused.status).toBe(404);
      expect(refused.headers["access-control-allow-origin"]).toBe(ORIGIN);
    });

    it("sends no CORS headers to a page of another origin", async () => {
      const { access, bucket } = subject();
      await put(subject(), "cors/object", "0123456789");
      const url = await presign(access, { path: `${bucket}/cors/object` });
      const response = await sendRequest({ url, headers: { origin: "http://elsewhere.example" } });
      expect(response.headers["access-control-allow-origin"]).toBeUndefined();
    });

    it("treats a pattern of header names as recorded for this server", async () => {
      const { access, client, differences } = subject();
      const bucket = await freshBucket(access, "cors-pattern");
      const rule = { AllowedOrigins: [ORIGIN], AllowedMethods: ["GET"], AllowedHeaders: ["x-amz-*"] };
      await client.send(
        new PutBucketCorsCommand({ Bucket: bucket, CORSConfiguration: { CORSRules: [rule] } }),
      );
      const response = await preflight(ORIGIN, "GET", "x-amz-date", bucket);
      expect(response.headers["access-control-allow-origin"]).toBe(
        differences.corsHeaderPatterns === "known" ? ORIGIN : undefined,
      );
    });

    it("allows nothing for a bucket without rules", async () => {
      const { access } = subject();
      const bucket = await freshBucket(access, "no-cors");
      const response = await preflight(ORIGIN, "GET", undefined, bucket);
      expect(response.headers["access-control-allow-origin"]).toBeUndefined();
    });
  });
}
