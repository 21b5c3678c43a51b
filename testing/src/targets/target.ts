/** What a check came to: "ok", "– REASON" if the platform cannot do it, or why it failed. */
export type Results = Readonly<Record<string, string>>;

/** What programs need: an archive to read, and a bucket to write to. */
export interface TargetEnvironment {
  readonly url: string;
  /** The same archive, compressed. */
  readonly compressedUrl: string;
  readonly s3: {
    readonly endpoint: string;
    readonly region: string;
    readonly credentials: object;
    readonly bucket: string;
  };
}

/** A project in a folder of its own, with the packed packages and the tools of a target installed. */
export interface Project {
  readonly folder: string;
  readonly environment: TargetEnvironment;
  /** Writes a file of the project. */
  write(path: string, text: string): Promise<void>;
  /** Runs a program in the project. @returns what it printed @throws Error with its output if it fails */
  run(command: string, args: readonly string[]): Promise<string>;
  /** Runs a server until the page that it serves has been used. */
  withServer<T>(command: string, args: readonly string[], url: string, use: () => Promise<T>): Promise<T>;
  /** Serves a folder of the project, and opens its page in Chromium. @returns what the page found */
  openBuilt(folder: string, page?: string): Promise<Results>;
  /** Opens a page in Chromium. @returns what it found */
  open(url: string): Promise<Results>;
}

/** One platform or tool that the packages are used with. */
export interface Target {
  readonly name: string;
  /** npm packages of the tool, as 'name@version'. */
  readonly tools: readonly string[];
  /** The files of testing/targets that the project starts with. */
  readonly files: readonly string[];
  /** Uses the packages. */
  run(project: Project): Promise<Results>;
}

/** Whether a check failed. */
export function isFailure(result: string): boolean {
  return result !== "ok" && !result.startsWith("– ");
}

/** The results that a program printed. */
export function printedResults(output: string): Results {
  const line = output.split("\n").find((text) => text.startsWith("RESULTS "));
  if (line === undefined) throw new Error(`no results: ${output.slice(-500)}`);
  return JSON.parse(line.slice("RESULTS ".length)) as Results;
}
