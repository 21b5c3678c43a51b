import { type Arguments, UsageError } from "../arguments.js";
import type { Command, Context } from "../command.js";
import { bashCompletion, fishCompletion, zshCompletion } from "../completion-script.js";

const SCRIPTS = { bash: bashCompletion, zsh: zshCompletion, fish: fishCompletion } as const;

/** `peekpack completion`: prints a script that completes commands and options. */
export const completion: Command = {
  name: "completion",
  synopsis: "bash|zsh|fish",
  summary: "Print a script that completes commands, options and files in a shell",
  details: [
    'bash: add  eval "$(peekpack completion bash)"  to ~/.bashrc.',
    "zsh: save the script as _peekpack in a folder of $fpath.",
    "fish: save the script as ~/.config/fish/completions/peekpack.fish.",
  ].join("\n"),
  options: {},
  words: ["bash", "zsh", "fish"],
  examples: ["completion bash", "completion fish > ~/.config/fish/completions/peekpack.fish"],
  positionals: [1, 1],
  run,
};

async function run(args: Arguments, { output, commands }: Context): Promise<undefined> {
  const [shell = ""] = args.positionals;
  if (!Object.hasOwn(SCRIPTS, shell)) throw new UsageError("the shell is bash, zsh or fish");
  await output.write(SCRIPTS[shell as keyof typeof SCRIPTS](commands));
  return undefined;
}
