declare module "iregexp-check/dist/iregexp-check.esm.js" {
  export { check } from "iregexp-check";
}
