/** "ok", or the message of the error. */
export async function printedFailure(work: Promise<unknown>): Promise<string> {
  try {
    await work;
    return "ok";
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
