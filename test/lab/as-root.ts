/** A command line that runs as root: as it is when this process is root, otherwise behind sudo without a password. */
export function asRoot(command: readonly [string, ...string[]]): [string, ...string[]] {
  return process.getuid?.() === 0 ? [...command] : ["sudo", "-n", ...command];
}
