/** A receipt as one page that needs no network: hosts, facts, volumes, versions, and what changed. Pure. */
import type { HostReceipt, Receipt } from "./receipt.ts";

/** @param signer who signed the receipt, when that was checked. */
export function receiptPage(receipt: Receipt, signer?: string): string {
  const { site, began, ended, bundle, hosts } = receipt;
  const wrong = hosts.reduce((sum, { facts }) => sum + facts.filter(({ holds }) => !holds).length, 0);
  const verdict =
    wrong === 0 ? "Every fact holds" : `${wrong} ${wrong === 1 ? "fact does" : "facts do"} not hold`;
  const signed = signer === undefined ? "not checked here" : text(signer);
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${text(site)}: ${verdict}</title>
<style>${style}</style>
<main>
<h1>${text(site)}</h1>
<p class="${wrong === 0 ? "good" : "bad"}"><strong>${verdict}</strong> on ${hosts.length} ${hosts.length === 1 ? "host" : "hosts"}, ${text(ended)}</p>
<dl>
<dt>Run</dt><dd>${text(began)} to ${text(ended)}</dd>
<dt>Bundle</dt><dd>serial ${bundle.serial}, signed by ${text(bundle.signer)}, lock sha256 <code>${text(bundle.lockSha256)}</code></dd>
<dt>Receipt signed by</dt><dd>${signed}</dd>
</dl>
${matrix(hosts)}
${hosts.map(hostSection).join("\n")}
</main>
</html>
`;
}

/** Hosts are rows, the phases of work columns: a number is how many facts do not hold. */
function matrix(hosts: readonly HostReceipt[]): string {
  const phases = [...new Set(hosts.flatMap(({ facts }) => facts.map(({ code }) => phaseOf(code))))];
  const rows = hosts.map(
    (host) =>
      `<tr><th scope="row"><a href="#${text(host.name)}">${text(host.name)}</a></th><td>${text(host.team ?? "-")}</td><td>${text(host.engine)}</td>${phases
        .map((phase) => cell(host, phase))
        .join("")}<td>${host.changed.length}</td></tr>`,
  );
  return `<h2>Hosts</h2>
<div class="wide"><table>
<thead><tr><th scope="col">host</th><th scope="col">team</th><th scope="col">engine</th>${phases.map((one) => `<th scope="col">${text(one)}</th>`).join("")}<th scope="col">changed</th></tr></thead>
<tbody>${rows.join("\n")}</tbody>
</table></div>`;
}

function cell({ facts }: HostReceipt, phase: string): string {
  const own = facts.filter(({ code }) => phaseOf(code) === phase);
  const wrong = own.filter(({ holds }) => !holds).length;
  if (own.length === 0) return "<td>-</td>";
  return wrong === 0
    ? `<td class="good">${own.length} hold</td>`
    : `<td class="bad">${wrong} of ${own.length} do not</td>`;
}

function hostSection(host: HostReceipt): string {
  const { name, address, machine, facts, changed, installed, volumes, certificates } = host;
  const wrong = facts.filter(({ holds }) => !holds);
  return `<section id="${text(name)}">
<h2>${text(name)}</h2>
<p>${text(address)}${machine === undefined ? ", nobody answered" : `, machine ${text(machine)}`}</p>
${wrong.length === 0 ? "" : `<h3>Does not hold</h3>${list(wrong.map(({ fact, found = "" }) => `${text(fact)}: found ${text(found)}`))}`}
${changed.length === 0 ? "<p>Nothing changed in this run.</p>" : `<h3>Changed in this run</h3>${list(facts.filter(({ code }) => changed.includes(code)).map(({ fact }) => text(fact)))}`}
${volumes.length === 0 ? "" : `<h3>Volumes</h3><table><tbody>${volumes.map(volumeRow).join("\n")}</tbody></table>`}
${certificates.length === 0 ? "" : `<h3>Certificates</h3><table><tbody>${certificates.map(certificateRow).join("\n")}</tbody></table>`}
<details><summary>All ${facts.length} facts</summary>${list(facts.map(({ fact, holds }) => `${holds ? "" : "<strong>not: </strong>"}${text(fact)}`))}</details>
<details><summary>${installed.length} installed files, by sha256</summary><table><tbody>${installed
    .map(({ path, sha256 }) => `<tr><td>${text(path)}</td><td><code>${text(sha256)}</code></td></tr>`)
    .join("\n")}</tbody></table></details>
</section>`;
}

function volumeRow({ mount, bytes, usedBytes }: HostReceipt["volumes"][number]): string {
  const percent = bytes === 0 ? 0 : Math.round((usedBytes * 100) / bytes);
  return `<tr><th scope="row">${text(mount)}</th><td><meter min="0" max="100" high="80" value="${percent}">${percent} %</meter></td><td>${percent} % of ${gib(bytes)} GiB</td></tr>`;
}

function certificateRow({ name, ends }: HostReceipt["certificates"][number]): string {
  return `<tr><th scope="row">${text(name)}</th><td>ends ${text(ends)}</td></tr>`;
}

function gib(bytes: number): string {
  return (bytes / 2 ** 30).toFixed(1);
}

function list(items: readonly string[]): string {
  return `<ul>${items.map((item) => `<li>${item}</li>`).join("\n")}</ul>`;
}

function phaseOf(code: string): string {
  return code.split(".")[0] ?? code;
}

function text(value: string): string {
  return value
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
}

const style = `
:root { color-scheme: light dark; --line: #8886; --good: #1a7f37; --bad: #b42318; }
@media (prefers-color-scheme: dark) { :root { --good: #56d364; --bad: #ff7b72; } }
body { font: 16px/1.5 system-ui, sans-serif; margin: 0; }
main { max-width: 70rem; margin: 0 auto; padding: 2rem 1rem; }
h1 { margin: 0; }
section { border-top: 1px solid var(--line); margin-top: 2rem; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 0 1rem; }
dd { margin: 0; overflow-wrap: anywhere; }
table { border-collapse: collapse; }
th, td { text-align: left; padding: .25rem 1rem .25rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
code { font-size: .85em; overflow-wrap: anywhere; }
.wide { overflow-x: auto; }
.good { color: var(--good); }
.bad { color: var(--bad); }
meter { width: 10rem; }
@media print { details > * { display: block; } }
`;
