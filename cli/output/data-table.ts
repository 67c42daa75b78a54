/** A table of what hosts say about the data of applications. */
import type { DataStatus } from "../../modules/backup/data-status.ts";
import { columns, firstOf, size } from "./columns.ts";
import type { TextOptions } from "./paint.ts";

/** Of applications that are backed up: none of this is part of whether they run as the site wants them. */
export function dataTable(
  applications: readonly { readonly app: string; readonly host: string; readonly data?: DataStatus }[],
  { paint }: Pick<TextOptions, "paint">,
): readonly string[] {
  const backed = applications.flatMap(({ app, host, data }) =>
    data === undefined ? [] : [{ app, host, data }],
  );
  if (backed.length === 0) return [];
  const rows = backed.map(({ app, host, data }) => [app, host, ...dataCells(data)]);
  const [head = "", ...lines] = columns([dataHeading, ...rows]).split("\n");
  const painted = lines.map((line, at) => {
    const data = backed[at]?.data;
    const isWrong =
      data?.backup.last === undefined ||
      data.backup.failed !== undefined ||
      data.repository?.result === "damaged" ||
      data.rehearsal?.result === "failed";
    return isWrong ? paint("fail", line) : line;
  });
  return [[head, ...painted].join("\n")];
}

const dataHeading = ["application", "host", "last backup", "size", "new", "last copy", "last rehearsal"];

function dataCells({ backup: { last, failed }, repository, rehearsal }: DataStatus): readonly string[] {
  const broken = failed === undefined ? "" : `, failed ${failed.at}`;
  const copies = repository?.copied.map(({ host, at }) => `${host} ${at}`) ?? [];
  const took = rehearsal?.seconds === undefined ? "" : ` in ${rehearsal.seconds} s`;
  return [
    `${last?.at ?? "none"}${broken}`,
    last === undefined ? "-" : size(last.bytes),
    last === undefined ? "-" : size(last.added),
    `${copies.length === 0 ? "-" : firstOf(copies)}${repository?.result === "damaged" ? ", damaged" : ""}`,
    rehearsal === undefined ? "-" : `${rehearsal.at} ${rehearsal.result}${took}`,
  ];
}
