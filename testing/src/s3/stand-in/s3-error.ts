/** An S3 error response: status, code and message. */
export class S3Error extends Error {
  readonly status: number;
  readonly code: string;
  /** Additional elements of the error document. */
  readonly extra: Readonly<Record<string, string>>;
  /** Headers of the response. */
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    status: number,
    code: string,
    message: string,
    extra: Readonly<Record<string, string>> = {},
    headers: Readonly<Record<string, string>> = {},
  ) {
    super(message);
    this.name = "S3Error";
    this.status = status;
    this.code = code;
    this.extra = extra;
    this.headers = headers;
  }
}

export const noSuchKey = (key: string): S3Error =>
  new S3Error(404, "NoSuchKey", "The specified key does not exist.", { Key: key });

export const noSuchBucket = (bucket: string): S3Error =>
  new S3Error(404, "NoSuchBucket", "The specified bucket does not exist", { BucketName: bucket });

export const noSuchUpload = (uploadId: string): S3Error =>
  new S3Error(
    404,
    "NoSuchUpload",
    "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed.",
    { UploadId: uploadId },
  );

export const invalidArgument = (message: string, name: string, value: string): S3Error =>
  new S3Error(400, "InvalidArgument", message, { ArgumentName: name, ArgumentValue: value });

export const invalidRequest = (message: string): S3Error => new S3Error(400, "InvalidRequest", message);

export const notImplemented = (what: string): S3Error =>
  new S3Error(501, "NotImplemented", `The stand-in does not implement ${what}`);

export const malformedXml = (): S3Error =>
  new S3Error(
    400,
    "MalformedXML",
    "The XML you provided was not well-formed or did not validate against our published schema",
  );

export const preconditionFailed = (condition: string): S3Error =>
  new S3Error(412, "PreconditionFailed", "At least one of the pre-conditions you specified did not hold", {
    Condition: condition,
  });
