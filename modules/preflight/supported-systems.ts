/** Supported systems, as ID:VERSION_ID of os-release(5). */
export const supportedSystems = ["ubuntu:22.04", "ubuntu:24.04", "debian:12", "debian:13"] as const;
