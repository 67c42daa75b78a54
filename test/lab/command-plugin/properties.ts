/**
 * Property values as they travel between the engine and a provider: plain JSON, in which an object with the
 * signature key stands for a secret, an asset or an archive, and one reserved string for "not known yet".
 * Source of the constants: @pulumi/pulumi 3.259.0, runtime/rpc.ts.
 */
import struct from "google-protobuf/google/protobuf/struct_pb.js";

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };
export type Properties = Readonly<Record<string, Json>>;

export const signatureKey = "4dabf18193072939515e22adb298388d";
const secretSignature = "1b47061264138c4ac30d75fd1eb44270";
export const assetSignature = "c44067f5952c0a294b673a41bacd8c17";
export const archiveSignature = "0def7320c3a5731c473e5ecbe6d01bc7";

/** Stands for a value that a preview cannot know. */
export const unknown = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

/** Reads properties off the wire; absent means none. */
export function fromWire(message: struct.Struct | undefined): Properties {
  return message?.toJavaScript() ?? {};
}

/** Makes properties ready for the wire. A property that is null counts as not set, as the official plugin has it. */
export function toWire(properties: Properties): struct.Struct {
  const set = Object.entries(properties).filter(([, value]) => value !== null);
  return struct.Struct.fromJavaScript(Object.fromEntries(set));
}

/** Wraps a value so that the engine encrypts it in its state and hides it on the screen. */
export function secret(value: Json): Json {
  return isSecret(value) ? value : { [signatureKey]: secretSignature, value };
}

/** Takes the secret wrapping off a value, at every depth. Assets and archives stay as they are. */
export function open(value: Json): Json {
  if (isSecret(value)) return open(value["value"] ?? null);
  if (isList(value)) return value.map(open);
  if (isObject(value))
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, open(inner)]));
  return value;
}

/** Whether a value, or anything inside it, is not known yet. */
export function isUnknown(value: Json | undefined): boolean {
  if (value === undefined || value === null) return false;
  if (isList(value)) return value.some(isUnknown);
  if (isObject(value)) return Object.values(value).some(isUnknown);
  return value === unknown;
}

/** Whether a value is wrapped as a secret. */
export function isSecret(value: Json | undefined): value is { readonly value?: Json } & Record<string, Json> {
  return isObject(value) && value[signatureKey] === secretSignature;
}

/** Whether a value is an asset: one file, or one text. */
export function isAsset(value: Json | undefined): value is Properties {
  return isObject(value) && value[signatureKey] === assetSignature;
}

/** Whether a value is an archive: a directory, or a packed file. */
export function isArchive(value: Json | undefined): value is Properties {
  return isObject(value) && value[signatureKey] === archiveSignature;
}

/** Whether a value is an object, wrapped kinds included. */
export function isObject(value: Json | undefined): value is Properties {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Whether a value is a list. */
export function isList(value: Json | undefined): value is readonly Json[] {
  return Array.isArray(value);
}
