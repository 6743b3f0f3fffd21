// Values as YAML. A separate file, so that only commands that print YAML load the library.
import { Document, Scalar, visit } from 'yaml';
import { hasControls, withEscapes } from '../../core/printable.ts';

/** One document; long lines stay whole. Control characters are escape sequences, which YAML has in double quotes only. */
export function toYaml(value: unknown): string {
  const document = new Document(value, { aliasDuplicateObjects: false });
  visit(document, {
    Scalar(_, node) {
      if (typeof node.value === 'string' && hasControls(node.value)) node.type = Scalar.QUOTE_DOUBLE;
    },
  });
  return withEscapes(document.toString({ lineWidth: 0 }));
}
