/** require() of packages that are ES modules. */
const { encodeArchive, openArchive } = require("@peekpack/core");
for (const name of ["arrow", "cli", "jsonpath", "node-storage", "s3", "zstd"]) require(`@peekpack/${name}`);
openArchive(encodeArchive({ a: 1 }))
  .then((archive) => archive.read("a"))
  .then((value) =>
    console.log(`RESULTS ${JSON.stringify({ "require()": value === 1 ? "ok" : String(value) })}`),
  );
