import { environmentVariable } from "./environment.js";

/** What signs a request. The shape is the AWS SDK's, so its providers fit. */
export interface S3Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string | undefined;
  /** When the credentials expire. A provider is called again shortly before. */
  readonly expiration?: Date | undefined;
}

/**
 * Returns credentials, or undefined for anonymous access. Called when they are needed, and again when they have expired. A
 * PeekpackError that it throws reaches the caller. Any other error is replaced, as its message may quote a secret.
 */
export type CredentialsProvider = () => Promise<S3Credentials | undefined> | S3Credentials | undefined;

/** Credentials that are kept until they expire. */
export interface CredentialsCache {
  /** The credentials to sign with now; undefined for anonymous access. */
  current(): Promise<S3Credentials | undefined>;
  /** Forgets `refused`, so that the provider is called again, once for all callers. */
  renew(refused: S3Credentials | undefined): void;
}

// A request that is signed now may take minutes to arrive.
const EXPIRY_MARGIN_MS = 5 * 60_000;

/** Keeps what a provider returns. After a rejection the next caller calls it again. */
export function cachedCredentials(provider: CredentialsProvider): CredentialsCache {
  let pending: Promise<S3Credentials | undefined> | undefined;
  let known: S3Credentials | undefined;

  const load = (): Promise<S3Credentials | undefined> => {
    const loading = Promise.resolve()
      .then(provider)
      .then(
        (credentials) => {
          if (pending === loading) known = credentials;
          return credentials;
        },
        (error: unknown) => {
          if (pending === loading) pending = undefined;
          throw error;
        },
      );
    pending = loading;
    known = undefined;
    return loading;
  };
  return {
    current() {
      const end = known?.expiration?.getTime();
      return pending === undefined || (end !== undefined && end - EXPIRY_MARGIN_MS <= Date.now())
        ? load()
        : pending;
    },
    renew(refused) {
      if (known === refused) pending = undefined;
    },
  };
}

/** Credentials from AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN; undefined if they are not set. */
export function environmentCredentials(): S3Credentials | undefined {
  const id = environmentVariable("AWS_ACCESS_KEY_ID");
  const secret = environmentVariable("AWS_SECRET_ACCESS_KEY");
  if (!id || !secret) return undefined;
  const token = environmentVariable("AWS_SESSION_TOKEN");
  return { accessKeyId: id, secretAccessKey: secret, ...(token ? { sessionToken: token } : {}) };
}
