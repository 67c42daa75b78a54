import { accessSync, constants } from "node:fs";

/** Whether there is a file at this path that this user may run. */
export function executable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
