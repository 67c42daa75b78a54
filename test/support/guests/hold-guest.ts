/** A program that starts a guest and waits to be killed: what a test needs to see that nothing is left of it. */
import { startAgent } from "../../lab/agent.ts";
import { startGuest } from "../../lab/guest.ts";
import { container, vm } from "../../lab/machine-choice.ts";

const guest = await startGuest({
  name: process.argv[2] ?? "held",
  machine: process.argv[3] === "container" ? container() : vm("lab"),
});
const agent = await startAgent(guest.identityFile);
console.log(JSON.stringify({ guest: guest.pid, agent: agent.pid }));
setInterval(() => undefined, 1000);
