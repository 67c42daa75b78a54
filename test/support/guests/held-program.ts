/** A run on a host that stands still in the middle of a step, so that what a test does next always meets it there. */
import type { SiteUnderTest } from "./site-under-test.ts";

/**
 * The run on the host stops where it calls this program, until {@link letGo}. Programs of /usr/local/sbin come first in a run.
 *
 * @param words of its arguments. Default: whatever they are.
 */
export async function hold(site: SiteUnderTest, program: string, words = ""): Promise<void> {
  const script = `#!/bin/sh
case "$*" in
*"${words}"*)
  touch /run/held
  while [ ! -e /run/go ]; do sleep 0.1; done
  ;;
esac
exec "$(PATH=/usr/sbin:/usr/bin command -v ${program})" "$@"
`;
  const path = `/usr/local/sbin/${program}`;
  await site.onHost(
    `sudo sh -c 'rm -f /run/held /run/go; cat >${path}; chmod 755 ${path}'`,
    undefined,
    script,
  );
}

/** Waits until the run stands still. */
export async function held(site: SiteUnderTest): Promise<void> {
  await site.onHost("timeout 900 sh -c 'until [ -e /run/held ]; do sleep 0.1; done'");
}

export async function release(site: SiteUnderTest, program: string): Promise<void> {
  await site.onHost(`sudo sh -c 'touch /run/go; rm -f /usr/local/sbin/${program}'`);
}
