/** Cuts bytes into lines. */
import { StringDecoder } from "node:string_decoder";

export function lineFeed(receive: (line: string) => void): { add(chunk: Buffer): void; end(): void } {
  const decoder = new StringDecoder("utf8");
  let rest = "";
  return {
    add: (chunk) => {
      const lines = (rest + decoder.write(chunk)).split("\n");
      rest = lines.pop() ?? "";
      lines.forEach(receive);
    },
    /** Hands over what came after the last line's end, if anything did. */
    end: () => {
      rest += decoder.end();
      if (rest !== "") receive(rest);
      rest = "";
    },
  };
}
