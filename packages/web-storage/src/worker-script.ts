/**
 * Sentences for the error of a worker whose script cannot be loaded: where the script is, unless a bundler moves it, and what to do. The
 * place is left out where no server serves the module.
 * @param here the URL of the module that starts the worker
 */
export function scriptAdvice(name: string, here: string): string {
  const remedy = `pass a function as the option 'worker' that makes one of @peekpack/web-storage/${name}, as the README of web-storage shows for each bundler`;
  const script = /^https?:/.test(here)
    ? ` Unless a bundler moves it, its script is ${new URL(`./${name}.js`, here).href}.`
    : "";
  return `${script} If the page has no such script, ${remedy}. A content security policy must allow it in 'worker-src'.`;
}
