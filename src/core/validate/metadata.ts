// The part of a manifest around the spec: apiVersion, kind and metadata. Fields that only a server sets are accepted
// and dropped, so that the output of `kubectl get -o yaml` can be applied again.
import { nameProblem } from '../dns-label.ts';
import type { Problem } from '../errors.ts';
import { API_VERSION, KIND } from '../api-version.ts';
import type { JobManifest } from '../job.ts';
import { at, isMapping, PROBLEMS_MAX, unknownField } from './structure.ts';
import { show } from './wording.ts';

const TOP_FIELDS = ['apiVersion', 'kind', 'metadata', 'spec'];
const METADATA_FIELDS = ['name', 'namespace', 'labels', 'annotations'];
const SERVER_FIELDS = new Set([
  'uid',
  'generation',
  'creationTimestamp',
  'deletionTimestamp',
  'deletionGracePeriodSeconds',
  'resourceVersion',
  'selfLink',
  'managedFields',
  'ownerReferences',
  'finalizers',
]);

/** Problems outside the spec. */
export function manifestProblems(input: Record<string, unknown>): Problem[] {
  const unknown = Object.keys(input).filter((key) => !TOP_FIELDS.includes(key) && key !== 'status');
  return [
    ...unknown.slice(0, PROBLEMS_MAX).map((key) => unknownField(key, TOP_FIELDS, '')),
    ...constantProblem(input, 'apiVersion', API_VERSION),
    ...constantProblem(input, 'kind', KIND),
    ...metadataProblems(input.metadata),
  ];
}

function constantProblem(input: Record<string, unknown>, key: string, expected: string): Problem[] {
  const value = input[key];
  if (value === expected) return [];
  return [
    {
      path: key,
      message: value === undefined ? `is required: ${expected}` : `must be ${expected}, not ${show(value)}`,
    },
  ];
}

function metadataProblems(metadata: unknown): Problem[] {
  if (metadata === undefined) return [{ path: 'metadata.name', message: 'is required' }];
  if (!isMapping(metadata)) return [{ path: 'metadata', message: 'must be a mapping of fields' }];
  const unknown = Object.keys(metadata).filter(
    (key) => !METADATA_FIELDS.includes(key) && !SERVER_FIELDS.has(key),
  );
  return [
    ...unknown.slice(0, PROBLEMS_MAX).map((key) => unknownField(key, METADATA_FIELDS, 'metadata')),
    ...nameProblems(metadata.name, 'metadata.name', true),
    ...nameProblems(metadata.namespace, 'metadata.namespace', false),
    ...textMapProblems(metadata.labels, 'metadata.labels'),
    ...textMapProblems(metadata.annotations, 'metadata.annotations'),
  ];
}

function nameProblems(name: unknown, path: string, required: boolean): Problem[] {
  if (name === undefined) return required ? [{ path, message: 'is required' }] : [];
  if (typeof name !== 'string') return [{ path, message: `must be text, not ${show(name)}` }];
  const message = nameProblem(name);
  return message === undefined ? [] : [{ path, message }];
}

function textMapProblems(map: unknown, path: string): Problem[] {
  if (map === undefined) return [];
  if (!isMapping(map)) return [{ path, message: 'must be a mapping of texts' }];
  return Object.entries(map)
    .filter(([, value]) => typeof value !== 'string')
    .slice(0, PROBLEMS_MAX)
    .map(([key]) => ({ path: at(path, key), message: 'must be text; put it in quotes' }));
}

/** The checked metadata without the fields that only a server sets. */
export function cleanMetadata(metadata: unknown): JobManifest['metadata'] {
  const entries = Object.entries(metadata as object).filter(([key]) => METADATA_FIELDS.includes(key));
  return Object.fromEntries(entries) as JobManifest['metadata'];
}
