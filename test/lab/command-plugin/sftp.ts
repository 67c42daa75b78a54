/** The few calls of SFTP that a copy needs, as promises. */
import type { Client, SFTPWrapper } from "ssh2";

export interface Sftp {
  /** What is at a path; undefined when nothing is. */
  kind(path: string): Promise<"directory" | "other" | undefined>;
  makeDirectory(path: string): Promise<void>;
  /** Makes or truncates a file and fills it with a text. */
  write(path: string, text: string): Promise<void>;
  /** Makes or truncates a file and fills it from a local one. */
  upload(local: string, path: string): Promise<void>;
}

export async function openSftp(client: Client): Promise<Sftp> {
  const wrapper = await new Promise<SFTPWrapper>((resolve, reject) => {
    client.sftp((error, it) => {
      if (error === undefined) resolve(it);
      else reject(error);
    });
  });

  // A call that is made after the end would wait for an answer that cannot come.
  let closed = false;
  wrapper.once("close", () => {
    closed = true;
  });

  const done = <T>(
    call: (callback: (error?: Error | null, value?: T) => void) => void,
  ): Promise<T | undefined> =>
    new Promise((resolve, reject) => {
      const broken = (): void => {
        reject(new Error("the connection closed"));
      };
      if (closed) {
        broken();
        return;
      }
      wrapper.once("close", broken);
      call((error, value) => {
        wrapper.off("close", broken);
        if (error === undefined || error === null) resolve(value);
        else reject(inWords(error));
      });
    });

  return {
    kind: async (path) => {
      try {
        const found = await done<{ isDirectory(): boolean }>((callback) => {
          wrapper.stat(path, callback);
        });
        return found?.isDirectory() === true ? "directory" : "other";
      } catch (error) {
        if (error instanceof Error && error.message === absent) return undefined;
        throw error;
      }
    },
    makeDirectory: async (path) => {
      await done((callback) => {
        wrapper.mkdir(path, callback);
      });
    },
    write: async (path, text) => {
      await done((callback) => {
        wrapper.writeFile(path, text, callback);
      });
    },
    upload: async (local, path) => {
      await done((callback) => {
        wrapper.fastPut(local, path, callback);
      });
    },
  };
}

const absent = "file does not exist";
const noSuchFile = 2;

function inWords(error: Error): Error {
  return "code" in error && error.code === noSuchFile ? new Error(absent, { cause: error }) : error;
}
