/** Where the official plugin 1.2.1 knowingly does otherwise than the stand-in. A test that needs one asks here. */
import { official } from "./plugin-under-test.ts";

const knownDifferences = {
  handshake: "it does not implement the handshake call; the engine falls back to configure",
  cancelRunning: "a cancel, or the resource's own timeout, does not end a command that runs",
  silentServer:
    "perDialTimeout covers the TCP connection only; a server that then says nothing holds it for ever",
} as const;

/** Whether the plugin under test has the difference, because it is the official one. */
export function officialDiffers(difference: keyof typeof knownDifferences): boolean {
  if (official) console.log(`known difference of the official plugin: ${knownDifferences[difference]}`);
  return official;
}
