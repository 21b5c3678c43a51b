/** Makes the reference: a page for each entry point of each package. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Converter } from "typedoc";

const packages = join(import.meta.dirname, "../packages");
/** Entry points that are not for users: shared by the packages, or loaded as a worker. */
const HIDDEN = /^\.\/internal$|-worker$/;

/** Source files of the entry points and the names by which they are imported. */
const names = new Map(
  readdirSync(packages).flatMap((folder) => {
    const { name, exports } = JSON.parse(readFileSync(join(packages, folder, "package.json"), "utf8"));
    return Object.entries(exports)
      .filter(([subpath, { "@peekpack/source": source }]) => source && !HIDDEN.test(subpath))
      .map(([subpath, { "@peekpack/source": source }]) => [
        join(packages, folder, source),
        name + subpath.slice(1),
      ]);
  }),
);

/** Calls the modules by the names by which they are imported. */
function importedNames(app) {
  app.converter.on(Converter.EVENT_CREATE_DECLARATION, (context, reflection) => {
    const file = context.getSymbolFromReflection?.(reflection)?.declarations?.[0]?.getSourceFile().fileName;
    const name = file === undefined ? undefined : names.get(file);
    if (name !== undefined && reflection.parent === context.project) reflection.name = name;
  });
}

export default {
  name: "Reference",
  plugin: ["typedoc-plugin-markdown", importedNames],
  tsconfig: "tsconfig.json",
  entryPoints: [...names.keys()],
  out: "reference",
  router: "module",
  readme: "none",
  entryFileName: "index",
  disableSources: true,
  excludeInternal: true,
  excludePrivate: true,
  hideBreadcrumbs: true,
  hidePageHeader: true,
  parametersFormat: "table",
  propertyMembersFormat: "table",
  // The site treats what looks like an element as one.
  sanitizeComments: true,
  useHTMLAnchors: true,
  logLevel: "Warn",
};
