/** The environment that `sealift new` writes, with the values that a person edits. */
import assert from "node:assert/strict";
import { stringify } from "yaml";

export interface EditedValues {
  /** Of the engine in the lab's bundle, which has no Compose. */
  readonly engineVersion: string;
  /** The key of the user `deploy`, one line of authorized_keys. */
  readonly publicKey: string;
  readonly address: string;
  /** Default: none is written, which is 22. */
  readonly port?: number;
  /** "ssh-ed25519 AAAA…" */
  readonly hostKey: string;
  readonly sshUser: string;
  /** Mount points of xfs file systems that the host has instead of a blank disk. */
  readonly mounts: readonly string[];
  /** More keys of daemon.json. */
  readonly daemon: Readonly<Record<string, unknown>>;
}

/** @param text of stacks/dev.site.yaml. @throws {AssertionError} when it lacks a line that a person edits. */
export function editedEnvironment(text: string, values: EditedValues): string {
  const { engineVersion, publicKey, address, port, hostKey, sshUser, mounts, daemon } = values;
  const existing = mounts.map((mount) => `    - { mount: ${mount}, filesystem: xfs }\n`).join("");
  const keys = Object.entries(daemon).map(
    ([key, value]) => `  ${key}: ${stringify(value, { collectionStyle: "flow", lineWidth: 0 })}`,
  );
  const edits: readonly (readonly [RegExp, string])[] = [
    [/(?<=^ {2}version: ).*/m, engineVersion],
    [/^ {2}compose: .*\n/m, ""],
    [/(?<=^ {6}- )ssh-ed25519 .*/m, publicKey],
    [/(?<=^ {4}address: ).*/m, port === undefined ? address : `${address}\n    port: ${port}`],
    [/(?<=^ {4}hostKey: ).*/m, hostKey],
    [/(?<=^ {4}sshUser: ).*/m, sshUser],
    [/^ {2}group: .*\n {2}logicalVolumes:\n {4}- .*\n/m, `  existing:\n${existing}`],
    [/^ {4}# EDIT: a blank disk.*\n {4}volumes: .*\n?/m, ""],
    [/(?<=^ {2}data-root: .*\n)/m, keys.join("")],
  ];
  return edits.reduce((edited, [pattern, replacement]) => {
    assert.match(edited, pattern);
    return edited.replace(pattern, () => replacement);
  }, text);
}
