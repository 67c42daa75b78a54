/** The group whose members may use the engine; systemd gives the engine's socket to it. */
export const dockerGroup = "docker";
