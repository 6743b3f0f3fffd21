// The chart’s annotations for Artifact Hub: known names, and true of this release.
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { parseManifest } from '../../src/core/validate/validate.ts';

/** Those of https://artifacthub.io/docs/topics/annotations/helm, without signKey: releases are signed without a key. */
const ANNOTATIONS = new Set(
  [
    'alternativeName',
    'category',
    'changes',
    'containsSecurityUpdates',
    'crds',
    'crdsExamples',
    'images',
    'license',
    'links',
    'maintainers',
    'operator',
    'operatorCapabilities',
    'prerelease',
    'recommendations',
    'screenshots',
  ].map((name) => `artifacthub.io/${name}`),
);
const CAPABILITIES = ['Basic Install', 'Seamless Upgrades', 'Full Lifecycle', 'Deep Insights', 'Auto Pilot'];
const CHANGES = new Set(['added', 'changed', 'deprecated', 'removed', 'fixed', 'security']);

const chart = parse(readFileSync('charts/lsh/Chart.yaml', 'utf8')) as {
  version: string;
  appVersion: string;
  annotations: Record<string, string>;
};
const values = parse(readFileSync('charts/lsh/values.yaml', 'utf8')) as {
  image: { repository: string };
  controller: { jobImage: string };
};
const package_ = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string; license: string };
const annotation = (name: string): string => chart.annotations[`artifacthub.io/${name}`] ?? '';

describe('the chart', () => {
  test('has the version of the program that it installs', () => {
    expect(chart).toMatchObject({ version: package_.version, appVersion: package_.version });
  });

  test('has annotations and values that Artifact Hub knows', () => {
    expect(Object.keys(chart.annotations).filter((name) => !ANNOTATIONS.has(name))).toEqual([]);
    expect(annotation('category')).toBe('integration-delivery');
    expect(CAPABILITIES).toContain(annotation('operatorCapabilities'));
    expect(annotation('license')).toBe(package_.license);
    for (const flag of ['operator', 'prerelease']) expect(annotation(flag)).toMatch(/^(true|false)$/);
    const changes = parse(annotation('changes')) as { kind: string; description: string }[];
    expect(changes).not.toEqual([]);
    expect(changes.filter(({ kind, description }) => !CHANGES.has(kind) || !description)).toEqual([]);
  });

  test('names the images of its values', () => {
    const images = parse(annotation('images')) as { image: string }[];
    expect(images.map(({ image }) => image)).toEqual([
      `${values.image.repository}:${chart.appVersion}`,
      values.controller.jobImage,
    ]);
  });

  test('shows an example LshJob that its CRD admits', () => {
    const crd = parse(readFileSync('deploy/crd.yaml', 'utf8')) as {
      metadata: { name: string };
      spec: { names: { kind: string }; versions: { name: string }[] };
    };
    const [shown, ...others] = parse(annotation('crds')) as object[];
    expect(others).toEqual([]);
    expect(shown).toMatchObject({
      kind: crd.spec.names.kind,
      version: crd.spec.versions[0]?.name,
      name: crd.metadata.name,
    });
    const examples = parse(annotation('crdsExamples')) as unknown[];
    expect(examples).not.toEqual([]);
    for (const example of examples) expect(() => parseManifest(example, 'cluster')).not.toThrow();
  });
});
