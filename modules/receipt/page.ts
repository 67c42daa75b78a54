/** A receipt as one page that needs no network and runs no code: hosts, facts, volumes, versions, and changes. Pure. */
import { createHash } from "node:crypto";
import { isWell } from "../apps/status.ts";
import { markup, Markup } from "./markup.ts";
import { receiptName } from "./name.ts";
import { factsIn, filesIn, isGood, verdictOf } from "./verdict.ts";
import type { BackupReceipt, FactState, HostReceipt, HostStatement, Receipt, RunReceipt } from "./receipt.ts";

/** @param signers who signed the receipt, if its signature was verified. */
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
          Facts, installed files, volumes, certificates, the users of docker and sudo, the running images and the
          applications are what each host reports about itself. They have not been verified independently.
        </p>
        <dl>
          <dt>Run</dt>
          <dd>${began} to ${ended}, by ${run.user} on ${run.machine}, with Sealift ${run.sealift}</dd>
          <dt>Site</dt>
          <dd>${checkoutWords(run)}</dd>
          <dt>Receipt</dt>
          <dd>
            number ${number}${previous === null ? ", the first of this site" : markup`, after <code>${previous.file}</code>, sha256 <code>${previous.sha256}</code>`}
          </dd>
          <dt>Bundle</dt>
          <dd>
            serial ${bundle.serial}, signed by ${bundle.signers.join(", ") || "nobody"}, lock sha256
            <code>${bundle.lockSha256}</code>
          </dd>
          <dt>Receipt signed by</dt>
          <dd>
            ${signers === undefined ? "not checked here" : signers.join(", ")}; verify it with
            <code>sealift receipt verify ${receiptName(receipt)} --allowed-signers &lt;keys that may sign&gt;</code>
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

/** A commit describes the site's files only if none was changed since. */
function checkoutWords({ checkout }: RunReceipt): Markup {
  if (checkout === null) return markup`files that are not in a git repository`;
  const { commit, changed } = checkout;
  return markup`commit <code>${commit}</code>${changed ? markup`, <strong>with uncommitted changes</strong>` : ""}`;
}

/** Hosts are rows, phases are columns; a cell counts facts by state. */
function matrix(hosts: readonly HostReceipt[]): Markup {
  const phases = [
    ...new Set(hosts.flatMap(({ statement }) => statement.facts.map(({ code }) => phaseOf(code)))),
  ];
  const rows = hosts.map(
    ({ name, team, engine, expectedFiles: expected, changed, statement }) =>
      markup`<tr>
        <th scope="row"><a href="#host-${name}">${name}</a></th>
        <td>${team ?? "-"}</td>
        <td>${engine}</td>
        <td>${filesIn({ expectedFiles: expected, statement })}</td>
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
            <th scope="col">pinned files present</th>
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

function hostSection({
  name,
  address,
  reached,
  expectedFiles: expected,
  changed,
  statement,
}: HostReceipt): Markup {
  const { machine, facts, installed, volumes, certificates, access, images, applications = [] } = statement;
  const { registryBackup, repositories = [], rehearsals = [] } = statement;
  const groups = (["fails", "warned", "unseen"] as const).map((state) =>
    group(
      titles[state],
      facts
        .filter((fact) => fact.state === state)
        .map(({ fact, found }) => markup`${fact}${found === undefined ? "" : `: found: ${found}`}`),
    ),
  );
  const now = facts.filter(({ code }) => changed.includes(code)).map(({ fact }) => markup`${fact}`);
  return markup`<section id="host-${name}">
    <h2>${name}</h2>
    <p>${address}${reached ? (machine === undefined ? "" : `, machine ${machine}`) : ", no answer"}</p>
    ${groups}
    ${now.length === 0 ? markup`<p>Nothing changed in this run.</p>` : group("Changed in this run", now)}
    ${table("Volumes", volumes.map(volumeRow))}
    ${table(
      "Certificates",
      certificates.map(
        ({ name: of, ends }) =>
          markup`<tr>
            <th scope="row">${of}</th>
            <td>expires ${ends}</td>
          </tr>`,
      ),
    )}
    ${access === undefined ? "" : accessPart(access)} ${images === undefined ? "" : imagesPart(images)}
    ${table("Applications, as reported by the host", applications.flatMap(applicationRows))}
    ${registryBackup === undefined ? "" : table("Registry, as reported by the host", [backupRow("last backup", registryBackup)])}
    ${table("Backups in this store, as reported by the host", repositories.map(repositoryRow))}
    ${table("Rehearsed restores, as reported by the host", rehearsals.map(rehearsalRow))}
    <details>
      <summary>All ${facts.length} facts</summary>
      ${list(facts.map(({ fact, state }) => markup`${state === "holds" ? "" : markup`<strong>${words[state]}: </strong>`}${fact}`))}
    </details>
    <details>
      <summary>
        ${installed.length === 0 ? "No files of the lock" : `${installed.length} ${installed.length === 1 ? "file" : "files"}`} installed, as reported by the host
      </summary>
      ${fileTable(installed)}
    </details>
    <details>
      <summary>${expected.length} files pinned by the lock; ${filesIn({ expectedFiles: expected, statement })} present with the pinned sha256</summary>
      ${fileTable(expected)}
    </details>
  </section>`;
}

function accessPart({
  docker,
  sudo,
  unchecked,
  root = [],
  unanswered = [],
  more = {},
}: NonNullable<HostStatement["access"]>): Markup {
  const names = (list: readonly string[], others = 0): string =>
    [...list, ...(others === 0 ? [] : [`${others} more not listed`])].join(", ") || "nobody";
  const others = [
    ...(unanswered.length === 0
      ? []
      : [markup`sudo gave no answer for ${unanswered.join(", ")}: their rules are unknown`]),
    ...(unchecked === 0 ? [] : [markup`sudo was not asked about ${unchecked} accounts, for lack of time`]),
  ];
  const rules = [
    ...sudo.map((one) => markup`<li>sudo: ${one.user}, ${one.rules}</li>`),
    ...(more.sudo === undefined ? [] : [markup`<li>sudo: ${names([], more.sudo)}</li>`]),
  ];
  return markup`<h3>Accounts equivalent to root, as reported by the host</h3>
    <ul>
      ${root.length === 0 && more.root === undefined ? "" : markup`<li>uid 0: ${names(root, more.root)}</li>`}
      <li>docker: ${names(docker, more.docker)}</li>
      ${rules} ${rules.length === 0 ? markup`<li>sudo: nobody</li>` : ""}
      ${others.map((one) => markup`<li>${one}</li>`)}
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
  const others = more === 0 ? [] : [markup`<tr><td>${more} more not listed</td></tr>`];
  return table("Running images, as reported by the host", [...rows, ...others]);
}

/** A row for the application and one for each of its services. */
function applicationRows({
  name,
  version,
  release,
  services,
  more,
  backup,
}: NonNullable<HostStatement["applications"]>[number]): readonly Markup[] {
  return [
    markup`<tr>
      <th scope="row">${name}</th>
      <td>${version === undefined ? "not deployed" : `version ${version}`}</td>
      <td>${release === undefined ? "" : markup`release <code>${release}</code>`}</td>
    </tr>`,
    ...services.map(
      ({ name: service, containers, health, images }) =>
        markup`<tr>
          <td>${service}</td>
          <td class="${isWell(health) ? "good" : "bad"}">
            ${health}, ${containers} ${containers === 1 ? "container" : "containers"}
          </td>
          <td>${images.map((image) => markup`<code>${image}</code> `)}</td>
        </tr>`,
    ),
    ...(backup === undefined ? [] : [backupRow("last backup", backup)]),
    ...(more === 0
      ? []
      : [markup`<tr><td>${more} ${more === 1 ? "container" : "containers"} not listed</td></tr>`]),
  ];
}

function backupRow(what: string, { at, bytes, snapshot, release }: BackupReceipt): Markup {
  return markup`<tr>
    <td>${what}</td>
    <td>${at}, ${bytes} bytes</td>
    <td>snapshot <code>${snapshot.slice(0, 8)}</code> of release <code>${release}</code></td>
  </tr>`;
}

function repositoryRow({
  path,
  result,
  checked,
  backups,
  bytes,
  copied,
}: NonNullable<HostStatement["repositories"]>[number]): Markup {
  const copies = copied.map(({ host, at }) => `copied to ${host} ${at}`);
  return markup`<tr>
    <th scope="row">${path}</th>
    <td class="${result === "ok" ? "good" : "bad"}">${result ?? "not checked yet"}</td>
    <td>${[
      ...(backups === undefined ? [] : [`${backups} backups`]),
      ...(bytes === undefined ? [] : [`${bytes} bytes`]),
      ...(checked === undefined ? [] : [`checked ${checked}`]),
      ...copies,
    ].join(", ")}</td>
  </tr>`;
}

function rehearsalRow({
  name,
  of,
  at,
  result,
  seconds,
  backup,
}: NonNullable<HostStatement["rehearsals"]>[number]): Markup {
  return markup`<tr>
    <th scope="row">${name} of ${of}</th>
    <td class="${result === "good" ? "good" : "bad"}">${result}</td>
    <td>
      ${at}${seconds === undefined ? "" : `, in ${seconds} s`}${backup === undefined ? "" : `, of the backup of ${backup}`}
    </td>
  </tr>`;
}

const words: Readonly<Record<FactState, string>> = {
  holds: "holds",
  warned: "warning",
  fails: "does not hold",
  unseen: "not checked",
};
const titles = { fails: "Does not hold", warned: "Warnings", unseen: "Not checked" } as const;

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

/** Nothing is loaded, run, sent or framed; the only style sheet is allowed by its hash (CSP Level 3). */
const policy = `default-src 'none'; style-src 'sha256-${createHash("sha256").update(style).digest("base64")}'; base-uri 'none'; form-action 'none'`;
