/** The group whose members may use the engine; systemd gives it the engine's socket. */
export const dockerGroup = "docker";
