import { accessSync, constants } from "node:fs";

/** Whether this user can execute the file at this path. */
export function executable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
