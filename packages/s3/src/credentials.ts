/** What signs a request. The shape is the AWS SDK's, so that its providers fit. */
export interface S3Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string | undefined;
  /** When the credentials end; a provider is asked again shortly before. */
  readonly expiration?: Date | undefined;
}

/** Gives credentials, or none for anonymous access. Asked when they are needed, and again when they have ended. */
export type CredentialsProvider = () => Promise<S3Credentials | undefined> | S3Credentials | undefined;

/** Credentials that are asked for once and kept until they end. */
export interface CredentialsCache {
  /** The credentials to sign with now; undefined for anonymous access. */
  current(): Promise<S3Credentials | undefined>;
  /** Forgets `refused`, so that the provider is asked again; one question answers every caller. */
  renew(refused: S3Credentials | undefined): void;
}

// Asked again this long before the end: a request that is signed now may take minutes to arrive whole.
const EXPIRY_MARGIN_MS = 5 * 60_000;

/** Keeps what a provider gave. A rejected question is asked again by the next caller. */
export function cachedCredentials(source: S3Credentials | CredentialsProvider): CredentialsCache {
  const provider = typeof source === "function" ? source : () => source;
  let pending: Promise<S3Credentials | undefined> | undefined;
  let known: S3Credentials | undefined;

  const ask = (): Promise<S3Credentials | undefined> => {
    const question = Promise.resolve()
      .then(provider)
      .then(
        (credentials) => {
          if (pending === question) known = credentials;
          return credentials;
        },
        (error: unknown) => {
          if (pending === question) pending = undefined;
          throw error;
        },
      );
    pending = question;
    known = undefined;
    return question;
  };
  return {
    current() {
      const end = known?.expiration?.getTime();
      return pending === undefined || (end !== undefined && end - EXPIRY_MARGIN_MS <= Date.now())
        ? ask()
        : pending;
    },
    renew(refused) {
      if (known === refused) pending = undefined;
    },
  };
}

/** Environment variables where there are any (Node, Bun, Deno); empty in a browser. Read when asked, never earlier. */
export function environment(): Readonly<Record<string, string | undefined>> {
  const host = globalThis as { process?: { env?: Record<string, string | undefined> } };
  return host.process?.env ?? {};
}

/** Credentials from AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN; none when they are not set. */
export function environmentCredentials(): S3Credentials | undefined {
  const { AWS_ACCESS_KEY_ID: id, AWS_SECRET_ACCESS_KEY: secret, AWS_SESSION_TOKEN: token } = environment();
  if (!id || !secret) return undefined;
  return { accessKeyId: id, secretAccessKey: secret, ...(token ? { sessionToken: token } : {}) };
}
