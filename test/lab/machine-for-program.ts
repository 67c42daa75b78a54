/**
 * Starts or removes one of the lab's machines for a Pulumi program under test, as a provider of virtual machines does.
 * `start <name>` prints address, port, SSH user and host key as JSON; the machine outlives this process. `remove <name>` removes it.
 */
import { removeGuest, startGuest } from "./guest.ts";
import { siteMachine } from "../support/guests/site-under-test.ts";

const [verb = "", name = ""] = process.argv.slice(2);
await removeGuest(name);
if (verb === "start") {
  const { address, port, login, hostKey } = await startGuest({
    name,
    machine: siteMachine,
    detached: true,
    report: () => undefined,
  });
  console.log(JSON.stringify({ address, port, sshUser: login, hostKey }));
}
