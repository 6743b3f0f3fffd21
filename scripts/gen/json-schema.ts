// The JSON schema of a valibot schema, in the subset that a CustomResourceDefinition accepts.
import { toJsonSchema } from '@valibot/to-json-schema';
import type { GenericSchema } from 'valibot';

export interface CrdSchema {
  type?: 'object' | 'array' | 'string' | 'integer' | 'number' | 'boolean';
  description?: string;
  format?: string;
  pattern?: string;
  allOf?: { pattern: string }[];
  enum?: readonly string[];
  default?: unknown;
  minimum?: number;
  maximum?: number;
  minLength?: number;
  maxLength?: number;
  minItems?: number;
  maxItems?: number;
  items?: CrdSchema;
  properties?: Record<string, CrdSchema>;
  additionalProperties?: CrdSchema | boolean;
  required?: string[];
  'x-kubernetes-preserve-unknown-fields'?: true;
  'x-kubernetes-list-type'?: 'map' | 'atomic' | 'set';
  'x-kubernetes-list-map-keys'?: string[];
  'x-kubernetes-validations'?: CelRule[];
}

export interface CelRule {
  rule: string;
  message: string;
}

/** The input of the schema as a structural schema, with descriptions, bounds and defaults. */
export function crdSchemaOf(schema: GenericSchema): CrdSchema {
  return structural(toJsonSchema(schema, { typeMode: 'input' }) as CrdSchema & Record<string, unknown>);
}

// The server itself prunes or refuses unknown fields of a structural schema, so additionalProperties: false goes; a
// free mapping needs x-kubernetes-preserve-unknown-fields.
function structural(node: CrdSchema & Record<string, unknown>): CrdSchema {
  const { $schema: _, propertyNames, additionalProperties, properties, items, required, ...rest } = node;
  const schema: CrdSchema = rest;
  if (properties) schema.properties = mapped(properties);
  if (required && required.length > 0) schema.required = required;
  if (items) schema.items = structural(items as CrdSchema & Record<string, unknown>);
  if (propertyNames !== undefined) {
    if (isFree(additionalProperties)) schema['x-kubernetes-preserve-unknown-fields'] = true;
    else schema.additionalProperties = additionalProperties;
  }
  return schema;
}

function mapped(properties: Record<string, CrdSchema>): Record<string, CrdSchema> {
  return Object.fromEntries(
    Object.entries(properties).map(([name, node]) => [
      name,
      structural(node as CrdSchema & Record<string, unknown>),
    ]),
  );
}

function isFree(additional: CrdSchema | boolean | undefined): boolean {
  return typeof additional !== 'object' || Object.keys(additional).length === 0;
}
