/** The 512 bytes before a file in a tar that is the same every time: one mode, no owner, no time. */

/**
 * ustar: POSIX.1-2017, pax, section "ustar Interchange Format".
 *
 * @param name ASCII, at most 100 bytes.
 * @param bytes length of the file.
 */
export function tarHeader(name: string, bytes: number): Buffer {
  const block = Buffer.alloc(512);
  block.write(name, 0, 100, "latin1");
  block.write(octal(0o644, 6), 100, "latin1");
  // Owner and group.
  block.write(octal(0, 6), 108, "latin1");
  block.write(octal(0, 6), 116, "latin1");
  if (bytes <= mostOctalBytes) block.write(octal(bytes, 11), 124, "latin1");
  else {
    // Beyond 8 GiB binary with the first bit set, as GNU tar writes it.
    block[124] = 0x80;
    block.writeBigUInt64BE(BigInt(bytes), 128);
  }
  block.write(octal(0, 11), 136, "latin1");
  block.write("0", 156, "latin1");
  block.write("ustar\u000000", 257, "latin1");
  // No device.
  block.write(octal(0, 6), 329, "latin1");
  block.write(octal(0, 6), 337, "latin1");
  // The sum counts its own place as spaces.
  const sum = block.reduce((all, byte) => all + byte, 8 * 0x20);
  block.write(octal(sum, 6), 148, "latin1");
  return block;
}

const mostOctalBytes = 0o77777777777;

function octal(value: number, digits: number): string {
  return `${value.toString(8).padStart(digits, "0")} `;
}
