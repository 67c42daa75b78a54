/** Previews every environment and writes one report. In the root of a site's repository: `node preview-all.ts preview.md` */
import { readdirSync, writeFileSync } from "node:fs";
import { LocalWorkspace } from "@pulumi/pulumi/automation/index.js";

const [file = "preview.md"] = process.argv.slice(2);
/** Without the debug messages, which have every input of every resource. */
const shown = ["info", "info#err", "warning", "error"];
const environments = readdirSync("stacks").flatMap((name) => /^(.+)\.site\.yaml$/.exec(name)?.[1] ?? []);

/** @returns what an update would change, and every message of the preview, among them each fact that does not hold. */
async function preview(stackName: string): Promise<string> {
  const messages: string[] = [];
  try {
    const stack = await LocalWorkspace.selectStack({ stackName, workDir: "." });
    const { changeSummary } = await stack.preview({
      color: "never",
      onEvent: ({ diagnosticEvent }) => {
        const { severity = "", message = "" } = diagnosticEvent ?? {};
        if (shown.includes(severity)) messages.push(message.trim());
      },
    });
    const counts = Object.entries(changeSummary).map(([change, count]) => `${String(count)} ${change}`);
    return [`## ${stackName}: ${counts.join(", ")}`, ...messages].join("\n\n");
  } catch (error) {
    process.exitCode = 1;
    if (messages.length === 0) messages.push(/^error: .*/m.exec(String(error))?.[0] ?? String(error));
    return [`## ${stackName}: failed`, ...messages].join("\n\n");
  }
}

const sections: string[] = [];
for (const environment of environments) sections.push(await preview(environment));
writeFileSync(file, `# Preview of all environments\n\n${sections.join("\n\n")}\n`);
