/** One Pulumi stack is one site: stacks/<stack>.site.yaml. Its outputs are what other stacks read by a StackReference. */
import { provisionSite } from "sealift";
export default (await provisionSite()).outputs;
