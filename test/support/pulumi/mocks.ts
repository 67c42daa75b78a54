/** A Pulumi engine made of mocks: records what a program asks for. */
import * as pulumi from "@pulumi/pulumi";
import type { MockResourceArgs } from "@pulumi/pulumi/runtime/mocks.js";

export interface RecordedResource {
  readonly type: string;
  readonly name: string;
  readonly inputs: Record<string, unknown>;
}

/**
 * Starts the mocks; has to be done before any resource is made. The list grows as resources are made.
 *
 * @param outputOf what the Command of this name prints; by default nothing, undefined is what a preview does not know.
 * @param made when the resource of this name is there; by default at once.
 */
export async function recordResources(
  preview: boolean,
  outputOf: (name: string) => string | undefined = () => "",
  made: (name: string) => Promise<void> | undefined = () => undefined,
): Promise<readonly RecordedResource[]> {
  const recorded: RecordedResource[] = [];
  await pulumi.runtime.setMocks(
    {
      newResource: async ({ type, name, inputs }: MockResourceArgs) => {
        recorded.push({ type, name, inputs: inputs as Record<string, unknown> });
        await made(name);
        return { id: `${name}-id`, state: { ...(inputs as object), stdout: outputOf(name) } };
      },
      call: () => ({}),
    },
    "sealift",
    "test",
    preview,
    "organization",
  );
  return recorded;
}
