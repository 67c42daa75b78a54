/** A receipt as one page that needs no network and can run nothing: hosts, facts, volumes, versions, and what changed. Pure. */
import { createHash } from "node:crypto";
import { markup, Markup } from "./markup.ts";
import { receiptName } from "./name.ts";
import { factsIn, filesIn, isGood, verdictOf } from "./verdict.ts";
import type { FactState, HostReceipt, HostStatement, Receipt, RunReceipt } from "./receipt.ts";

/** @param signers who signed the receipt, when that was checked. */
export function receiptPage(receipt: Receipt, signers?: readonly string[]): string {
  const { site, number, previous, began, ended, run, bundle, warnings, hosts } = receipt;
  const verdict = verdictOf(receipt);
  const good = isGood(receipt);
  return markup`<!doctype html>
    <html lang="en">
      <meta charset="utf-8" />
      <meta http-equiv="Content-Security-Policy" content="${policy}" />
      <meta name="viewport" content="width=device-width, initial-scale=1" />
      <title>${site}: ${verdict}</title>
      <style>${new Markup(style)}</style>
      <main>
        <h1>${site}</h1>
        <p class="${good ? "good" : "bad"}">
          <strong>${verdict}</strong> on ${hosts.length} ${hosts.length === 1 ? "host" : "hosts"}, ${ended}
        </p>
        <p>
          What a host says of itself is its own statement: facts, installed files, volumes, certificates, who may
          use docker and sudo, and the images that run. Nobody else has checked it.
        </p>
        <dl>
          <dt>Run</dt>
          <dd>${began} to ${ended}, by ${run.user} on ${run.machine}, with Sealift ${run.sealift}</dd>
          <dt>Site</dt>
          <dd>${checkoutWords(run)}</dd>
          <dt>Receipt</dt>
          <dd>
            number ${number}, after
            ${previous === null ? "none" : markup`<code>${previous.file}</code>, sha256 <code>${previous.sha256}</code>`}
          </dd>
          <dt>Bundle</dt>
          <dd>
            serial ${bundle.serial}, signed by ${bundle.signers.join(", ") || "nobody"}, lock sha256
            <code>${bundle.lockSha256}</code>
          </dd>
          <dt>Receipt signed by</dt>
          <dd>
            ${signers === undefined ? "not checked here" : signers.join(", ")}; check it with
            <code>sealift receipt verify ${receiptName(receipt)} --signers &lt;keys that may sign&gt;</code>
          </dd>
        </dl>
        ${group(
          "Warnings",
          warnings.map(({ where, code, text }) => markup`${where}: ${code} ${text}`),
        )}
        ${matrix(hosts)} ${hosts.map(hostSection)}
      </main>
    </html> `.text;
}

/** A commit stands for the site's files only when none of them was changed since. */
function checkoutWords({ checkout }: RunReceipt): Markup {
  if (checkout === null) return markup`files that are in no git repository`;
  const { commit, changed } = checkout;
  return markup`commit <code>${commit}</code>${changed ? markup`, <strong>with changes that are not committed</strong>` : ""}`;
}

/** Hosts are rows, the phases of work columns: a number is how many facts do not hold. */
function matrix(hosts: readonly HostReceipt[]): Markup {
  const phases = [
    ...new Set(hosts.flatMap(({ statement }) => statement.facts.map(({ code }) => phaseOf(code)))),
  ];
  const rows = hosts.map(
    ({ name, team, engine, wanted, changed, statement }) =>
      markup`<tr>
        <th scope="row"><a href="#host-${name}">${name}</a></th>
        <td>${team ?? "-"}</td>
        <td>${engine}</td>
        <td>${filesIn({ wanted, statement })}</td>
        ${phases.map((phase) => cell(statement, phase))}
        <td>${changed.length}</td>
      </tr>`,
  );
  return markup`<h2>Hosts</h2>
    <div class="wide">
      <table>
        <thead>
          <tr>
            <th scope="col">host</th>
            <th scope="col">team</th>
            <th scope="col">engine of the site</th>
            <th scope="col">pinned files there</th>
            ${phases.map((one) => markup`<th scope="col">${one}</th>`)}
            <th scope="col">changed</th>
          </tr>
        </thead>
        <tbody>
          ${rows}
        </tbody>
      </table>
    </div>`;
}

function cell({ facts }: HostStatement, phase: string): Markup {
  const own = facts.filter(({ code }) => phaseOf(code) === phase);
  if (own.length === 0) return markup`<td>-</td>`;
  const good = own.every(({ state }) => state === "holds");
  return markup`<td class="${good ? "good" : "bad"}">${factsIn(own)}</td>`;
}

function hostSection({ name, address, reached, wanted, changed, statement }: HostReceipt): Markup {
  const { machine, facts, installed, volumes, certificates, access, images } = statement;
  const groups = (["fails", "warned", "unseen"] as const).map((state) =>
    group(
      titles[state],
      facts
        .filter((fact) => fact.state === state)
        .map(({ fact, found }) => markup`${fact}${found === undefined ? "" : `: found ${found}`}`),
    ),
  );
  const now = facts.filter(({ code }) => changed.includes(code)).map(({ fact }) => markup`${fact}`);
  return markup`<section id="host-${name}">
    <h2>${name}</h2>
    <p>${address}${reached ? (machine === undefined ? "" : `, machine ${machine}`) : ", nobody answered"}</p>
    ${groups}
    ${now.length === 0 ? markup`<p>Nothing changed in this run.</p>` : group("Changed in this run", now)}
    ${table("Volumes", volumes.map(volumeRow))}
    ${table(
      "Certificates",
      certificates.map(
        ({ name: of, ends }) =>
          markup`<tr>
            <th scope="row">${of}</th>
            <td>ends ${ends}</td>
          </tr>`,
      ),
    )}
    ${access === undefined ? "" : accessPart(access)} ${images === undefined ? "" : imagesPart(images)}
    <details>
      <summary>All ${facts.length} facts</summary>
      ${list(facts.map(({ fact, state }) => markup`${state === "holds" ? "" : markup`<strong>${words[state]}: </strong>`}${fact}`))}
    </details>
    <details>
      <summary>
        ${installed.length === 0 ? "No file of the lock is" : `${installed.length} files are`} installed there, as the host says
      </summary>
      ${fileTable(installed)}
    </details>
    <details>
      <summary>${wanted.length} files that the lock pins for it; ${filesIn({ wanted, statement })} are there with these bytes</summary>
      ${fileTable(wanted)}
    </details>
  </section>`;
}

function accessPart({ docker, sudo, unasked }: NonNullable<HostStatement["access"]>): Markup {
  const others = unasked === 0 ? [] : [markup`${unasked} accounts were not asked about`];
  return markup`<h3>Who is as good as root, beside root, as the host says</h3>
    <ul>
      <li>docker: ${docker.join(", ") || "nobody"}</li>
      ${sudo.map(({ user, rules }) => markup`<li>sudo: ${user}, ${rules}</li>`)}
      ${sudo.length === 0 ? markup`<li>sudo: nobody</li>` : ""} ${others.map((one) => markup`<li>${one}</li>`)}
    </ul>`;
}

function imagesPart({ running, more }: NonNullable<HostStatement["images"]>): Markup {
  const rows = running.map(
    ({ name, id, containers }) =>
      markup`<tr>
        <th scope="row">${name}</th>
        <td><code>${id}</code></td>
        <td>${containers} ${containers === 1 ? "container" : "containers"}</td>
      </tr>`,
  );
  const others = more === 0 ? [] : [markup`<tr><td>${more} more are not listed</td></tr>`];
  return table("Images that run, as the host says", [...rows, ...others]);
}

const words: Readonly<Record<FactState, string>> = {
  holds: "holds",
  warned: "warning",
  fails: "not",
  unseen: "not looked at",
};
const titles = { fails: "Does not hold", warned: "Warnings", unseen: "Not looked at" } as const;

function group(title: string, items: readonly Markup[]): Markup {
  return items.length === 0
    ? markup``
    : markup`<h3>${title}</h3>
        ${list(items)}`;
}

function table(title: string, rows: readonly Markup[]): Markup {
  return rows.length === 0
    ? markup``
    : markup`<h3>${title}</h3>
        <table>
          <tbody>
            ${rows}
          </tbody>
        </table>`;
}

function fileTable(files: readonly { readonly path: string; readonly sha256: string }[]): Markup {
  return markup`<table>
    <tbody>
      ${files.map(
        ({ path, sha256 }) =>
          markup`<tr>
            <td>${path}</td>
            <td><code>${sha256}</code></td>
          </tr>`,
      )}
    </tbody>
  </table>`;
}

function volumeRow({ mount, bytes, usedBytes }: HostStatement["volumes"][number]): Markup {
  const percent = bytes === 0 ? 0 : Math.round((usedBytes * 100) / bytes);
  return markup`<tr>
    <th scope="row">${mount}</th>
    <td><meter min="0" max="100" high="80" value="${percent}">${percent} %</meter></td>
    <td>${percent} % of ${gib(bytes)} GiB</td>
  </tr>`;
}

function gib(bytes: number): string {
  return (bytes / 2 ** 30).toFixed(1);
}

function list(items: readonly Markup[]): Markup {
  return markup`<ul>
    ${items.map((item) => markup`<li>${item}</li>`)}
  </ul>`;
}

function phaseOf(code: string): string {
  return code.split(".")[0] ?? code;
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

/** Nothing is loaded, run, sent or framed; the one style sheet is this one, by its hash (CSP Level 3). */
const policy = `default-src 'none'; style-src 'sha256-${createHash("sha256").update(style).digest("base64")}'; base-uri 'none'; form-action 'none'`;
