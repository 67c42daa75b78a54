/** What the phase makes true on one host, as facts. Pure. */
import type { Step } from "../../../modules/core/host/step.ts";

/** The part of the host's specification that this phase reads; move it to modules/core/site/site-spec.ts. */
export interface TemplateSpec {
  /** Absolute path. */
  readonly file: string;
  /** One line. */
  readonly text: string;
}

export function templateSteps({ file, text }: TemplateSpec): readonly Step[] {
  return [
    {
      code: "template.file",
      fact: `${file} says ${JSON.stringify(text)}`,
      effect: "none",
      // check_template_file and apply_template_file of template.sh, and their arguments.
      call: ["template_file", file, text],
    },
  ];
}
