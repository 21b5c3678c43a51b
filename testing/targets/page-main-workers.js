/** For bundlers that leave `new Worker(new URL(…))` as it is: the workers are entries of their own, as the READMEs say. */
import { exercisePage } from "./page.js";

const worker = (name) => () => new Worker(`/assets/${name}.js`, { type: "module", name });

exercisePage({
  archive: worker("archive-worker"),
  opfs: worker("opfs-worker"),
  compression: worker("compression-worker"),
});
