/**
 * How Ajv compiles a schema that is ours: it is right, which a test has checked, and it is used once or twice a run, so that making its
 * code smaller would cost more than it saves.
 */
export const ownSchema = {
  strict: true,
  meta: false,
  validateSchema: false,
  inlineRefs: false,
  code: { optimize: false },
} as const;
