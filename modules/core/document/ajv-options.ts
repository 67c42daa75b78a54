/**
 * Ajv options for Sealift's own schemas: a test has validated them, and each is used once or twice per run, so that optimizing
 * the generated code would cost more than it saves.
 */
export const trustedSchemaOptions = {
  strict: true,
  meta: false,
  validateSchema: false,
  inlineRefs: false,
  code: { optimize: false },
} as const;
