import { readFile } from "node:fs/promises";
import { join } from "node:path";
import tls from "node:tls";
import { $ } from "zx/core";

export interface Certificate {
  /** Paths of PEM files. */
  readonly keyFile: string;
  readonly certFile: string;
  readonly key: string;
  readonly cert: string;
}

/** A certificate for 127.0.0.1 and files.example, signed by itself; made with openssl(1) in `folder`. */
export async function loopbackCertificate(folder: string): Promise<Certificate> {
  const [keyFile, certFile] = [join(folder, "key.pem"), join(folder, "cert.pem")];
  const names = "subjectAltName=IP:127.0.0.1,DNS:localhost,DNS:files.example,DNS:registry.example";
  const ec = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  await $`openssl req -x509 ${ec} -keyout ${keyFile} -out ${certFile} -days 30 -subj /CN=loopback -addext ${names}`;
  return { keyFile, certFile, key: await readFile(keyFile, "utf8"), cert: await readFile(certFile, "utf8") };
}

/** This process trusts it from now on. */
export function trust({ cert }: Certificate): void {
  tls.setDefaultCACertificates([...tls.getCACertificates("default"), cert]);
}
