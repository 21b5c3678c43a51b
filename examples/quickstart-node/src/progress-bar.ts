import type { WriteStream } from "node:tty";
import type { UploadProgress } from "@peekpack/s3";
import { megabytes } from "./report.js";

const WIDTH = 30;

/** Shows the progress of an upload. */
export interface ProgressBar {
  readonly update: (progress: UploadProgress) => void;
  readonly end: () => void;
}

/** A bar on a terminal. Elsewhere, a line for each phase and each quarter of the upload. */
export function progressBar(out: WriteStream | NodeJS.WriteStream): ProgressBar {
  return out.isTTY ? terminalBar(out) : plainLog(out);
}

const share = ({ bytesUploaded, totalBytes }: UploadProgress): number =>
  totalBytes ? bytesUploaded / totalBytes : 0;

function terminalBar(out: NodeJS.WritableStream): ProgressBar {
  let drawn = false;
  return {
    update(progress) {
      const done = Math.round(share(progress) * WIDTH);
      const bar = "█".repeat(done) + "░".repeat(WIDTH - done);
      const { phase, bytesProduced, bytesUploaded, totalBytes = 0, rate } = progress;
      const bytes =
        phase === "writing"
          ? `${megabytes(bytesProduced)} written`
          : `${megabytes(bytesUploaded)} of ${megabytes(totalBytes)}`;
      const speed = phase === "uploading" ? `, ${megabytes(rate)}/s` : "";
      out.write(`\r\x1b[2K  ${phase.padEnd(10)} ${bar} ${bytes}${speed}`);
      drawn = true;
    },
    end() {
      if (drawn) out.write("\n");
    },
  };
}

function plainLog(out: NodeJS.WritableStream): ProgressBar {
  let last = "";
  return {
    update(progress) {
      const { phase, bytesUploaded, totalBytes } = progress;
      const quarter = Math.floor(share(progress) * 4) * 25;
      const step = phase === "uploading" ? `${phase} ${quarter} %` : phase;
      if (step === last) return;
      last = step;
      const bytes =
        phase === "uploading" ? `: ${megabytes(bytesUploaded)} of ${megabytes(totalBytes ?? 0)}` : "";
      out.write(`  ${step}${bytes}\n`);
    },
    end() {},
  };
}
