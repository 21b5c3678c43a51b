import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import type { S3Access } from "../../s3/client.js";
import { presign, sendRequest, signRequest } from "../../s3/signing.js";
import { put, type Subject, xmlCode } from "./subject.js";

/** Registers tests of Signature Version 4, in headers and in queries, and of error documents. */
export function signingTests(subject: Subject): void {
  const withSecret = (access: S3Access, secretAccessKey: string): S3Access => ({
    ...access,
    credentials: { ...access.credentials, secretAccessKey },
  });
  const wrongSecret = "a-secret-that-nobody-was-given";

  describe("signatures in the header", () => {
    const get = async (access: S3Access, key: string, date?: Date, extra: Record<string, string> = {}) => {
      const { bucket } = subject();
      const signed = await signRequest(access, { path: `${bucket}/${key}` }, date);
      return sendRequest({ ...signed, headers: { ...signed.headers, ...extra } });
    };

    it("accepts a signature by the right secret, and rejects another", async () => {
      const { access } = subject();
      await put(subject(), "signed/object", "content");
      expect((await get(access, "signed/object")).text).toBe("content");
      const refused = await get(withSecret(access, wrongSecret), "signed/object");
      expect([refused.status, xmlCode(refused.text)]).toEqual([403, "SignatureDoesNotMatch"]);
    });

    it("rejects an unknown key id and an unsigned request", async () => {
      const { access, bucket, differences } = subject();
      await put(subject(), "signed/object", "content");
      const stranger = {
        ...access,
        credentials: { accessKeyId: "nobodyatall", secretAccessKey: wrongSecret },
      };
      const unknown = await get(stranger, "signed/object");
      expect({ status: unknown.status, code: xmlCode(unknown.text) }).toEqual(differences.unknownKey);
      const anonymous = await sendRequest({ url: `${access.endpoint}/${bucket}/signed/object` });
      expect([anonymous.status, xmlCode(anonymous.text)]).toEqual([403, "AccessDenied"]);
    });

    it("rejects a request that differs from the signed one", async () => {
      const { access, bucket } = subject();
      await put(subject(), "signed/object", "content");
      await put(subject(), "signed/other", "content");
      const signed = await signRequest(access, {
        path: `${bucket}/signed/object`,
        headers: { range: "bytes=0-1" },
      });
      const otherPath = await sendRequest({ ...signed, url: `${access.endpoint}/${bucket}/signed/other` });
      expect([otherPath.status, xmlCode(otherPath.text)]).toEqual([403, "SignatureDoesNotMatch"]);
      const headers = { ...signed.headers, range: "bytes=0-3" };
      const otherRange = await sendRequest({ ...signed, headers });
      expect([otherRange.status, xmlCode(otherRange.text)]).toEqual([403, "SignatureDoesNotMatch"]);
    });

    it("rejects an expired signature", async () => {
      const { access } = subject();
      await put(subject(), "signed/object", "content");
      const old = await get(access, "signed/object", new Date(Date.now() - 60 * 60 * 1000));
      expect(old.status).toBe(403);
      expect(xmlCode(old.text)).toBe("RequestTimeTooSkewed");
    });
  });

  describe("presigned URLs", () => {
    it("allows reads with the URL alone, also by ranges", async () => {
      const { access, bucket } = subject();
      await put(subject(), "presigned/ü (1)", "0123456789");
      const url = await presign(access, { path: `${bucket}/presigned/ü (1)` });
      expect((await sendRequest({ url })).text).toBe("0123456789");
      const part = await sendRequest({ url, headers: { range: "bytes=2-4" } });
      expect([part.status, part.text, part.headers["content-range"]]).toEqual([206, "234", "bytes 2-4/10"]);
    });

    it("allows the signed write with the URL alone, and no other", async () => {
      const { access, bucket } = subject();
      const url = await presign(access, { method: "PUT", path: `${bucket}/presigned/put` });
      expect((await sendRequest({ url, method: "PUT", body: "written" })).status).toBe(200);
      expect((await sendRequest({ url, method: "GET" })).status).toBe(403);
      const read = await presign(access, { path: `${bucket}/presigned/put` });
      expect((await sendRequest({ url: read })).text).toBe("written");
    });

    it("rejects an expired URL and one signed with a wrong secret", async () => {
      const { access, bucket } = subject();
      await put(subject(), "presigned/object", "content");
      const signingDate = new Date(Date.now() - 60_000);
      const expired = await presign(
        access,
        { path: `${bucket}/presigned/object` },
        { expiresIn: 30, signingDate },
      );
      const late = await sendRequest({ url: expired });
      expect([late.status, xmlCode(late.text)]).toEqual([403, "AccessDenied"]);
      expect(late.text).toMatch(/expired/i);
      const forged = await presign(withSecret(access, wrongSecret), { path: `${bucket}/presigned/object` });
      const refused = await sendRequest({ url: forged });
      expect([refused.status, xmlCode(refused.text)]).toEqual([403, "SignatureDoesNotMatch"]);
    });
  });

  describe("errors", () => {
    it("are XML with code and message, and 416 states the size", async () => {
      const { access, bucket } = subject();
      await put(subject(), "errors/object", "12345");
      const absent = await sendRequest(await signRequest(access, { path: `${bucket}/errors/none` }));
      expect(absent.status).toBe(404);
      expect(absent.headers["content-type"]).toMatch(/^application\/xml/);
      expect(absent.text).toMatch(/^<\?xml[^>]*\?>\s*<Error>/);
      expect(xmlCode(absent.text)).toBe("NoSuchKey");
      expect(absent.text).toMatch(/<Message>[^<]+<\/Message>/);
      const beyond = await sendRequest(
        await signRequest(access, { path: `${bucket}/errors/object`, headers: { range: "bytes=5-" } }),
      );
      expect([beyond.status, xmlCode(beyond.text)]).toEqual([416, "InvalidRange"]);
    });

    it("reject a document that is not XML", async () => {
      const { access, bucket } = subject();
      const body = "this is no document";
      const headers = { "content-md5": createHash("md5").update(body).digest("base64") };
      const response = await sendRequest(
        await signRequest(access, { method: "POST", path: bucket, query: { delete: "" }, body, headers }),
      );
      expect(response.status).toBe(400);
      // S3: MalformedXML; versitygw 1.8.0: InvalidRequest.
      expect(["MalformedXML", "InvalidRequest"]).toContain(xmlCode(response.text));
    });
  });
}
