/** One Pulumi stack is one site: stacks/<stack>.site.yaml. */
import { provisionSite } from "./modules/sealift.ts";

const { outputs } = await provisionSite();

/** What other stacks read by a StackReference: docs/guide/outputs.md. */
export default outputs;
