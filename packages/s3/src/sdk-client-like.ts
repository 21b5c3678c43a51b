/** The shape of the AWS SDK's S3Client, of any version 3. */
export interface S3ClientLike {
  send(command: never, options?: { abortSignal?: AbortSignal }): Promise<unknown>;
}

/** Names an object, as in the SDK's commands. */
export interface S3ObjectName {
  readonly Bucket: string;
  readonly Key: string;
}
