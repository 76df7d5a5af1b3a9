import { parse } from 'yaml';

interface BuildStep {
  readonly id: string;
  readonly name: string;
  readonly waitFor?: readonly string[];
  readonly args?: readonly string[];
}

/** The parts of cloudbuild.yaml that are looked at. See https://cloud.google.com/build/docs/build-config-file-schema. */
export interface Build {
  readonly steps: readonly BuildStep[];
  readonly images: readonly string[];
  readonly substitutions: Readonly<Record<string, string>>;
  readonly serviceAccount?: string;
  readonly options: Readonly<Record<string, unknown>>;
  readonly artifacts: { readonly objects: { readonly paths: readonly string[] } };
}

const BUILT_IN = new Set(['PROJECT_ID', 'BUILD_ID', 'LOCATION']);

/** Errors in the structure of a build file; one line each. */
export function problemsOfBuild(source: string, functions: readonly string[]): string[] {
  const build = parse(source) as Build;
  const expected = [...functions, 'clamav'];
  return [
    ...problemsOfImages(build, expected),
    ...problemsOfOrder(build),
    ...problemsOfBuilders(build),
    ...problemsOfSubstitutions(source, build),
    ...problemsOfRights(build),
  ];
}

function problemsOfImages({ steps, images, artifacts }: Build, expected: readonly string[]): string[] {
  const built = steps.flatMap(({ args = [] }) => args.flatMap((arg) => /^--tag=(.*)$/.exec(arg)?.[1] ?? []));
  const loops = (id: string) => {
    const script = steps.find((step) => step.id === id)?.args?.at(-1) ?? '';
    return /^for name in (.*); do$/m.exec(script)?.[1]?.split(' ') ?? [];
  };
  const lists = {
    built: built.map(nameOf),
    'listed in images': images.map(nameOf),
    pushed: loops('push'),
    'among the digests': loops('digests'),
  };
  const problems = Object.entries(lists).flatMap(([what, names]) =>
    [...names].sort().join() === [...expected].sort().join() ? [] : [`${what}: ${names.join(', ')}`],
  );
  if (built.toSorted().join() !== images.toSorted().join())
    problems.push('images are built under other tags');
  if (!artifacts.objects.paths.includes('images.auto.tfvars.json')) problems.push('the digests are not kept');
  return problems;
}

const nameOf = (image: string): string => /\/([a-z]+):\$\{BUILD_ID\}$/.exec(image)?.[1] ?? image;

/** Which steps come, at the latest, before which. */
const ORDER: readonly (readonly [string, RegExp])[] = [
  ['test', /^settings$/],
  ['push', /^(test|build-.*)$/],
  ['digests', /^push$/],
  ['sbom', /^digests$/],
  ['plan', /^(test|sbom)$/],
  ['apply', /^plan$/],
];

function problemsOfOrder({ steps }: Build): string[] {
  const before = (id: string): Set<string> => {
    const direct = steps.find((step) => step.id === id)?.waitFor?.filter((name) => name !== '-') ?? [];
    return new Set([...direct, ...direct.flatMap((name) => [...before(name)])]);
  };
  const unknown = steps.flatMap(({ id, waitFor = [] }, at) =>
    waitFor
      .filter((name) => name !== '-' && !steps.slice(0, at).some((step) => step.id === name))
      .map((name) => `${id} waits for ${name}, which is not before it`),
  );
  if (unknown.length > 0) return unknown;
  const implicit = steps.flatMap(({ id, waitFor }) =>
    waitFor ? [] : [`${id} does not say what it waits for`],
  );
  const builds = steps.filter(({ id }) => id.startsWith('build-')).map(({ id }) => [id, /^test$/] as const);
  const order = [...ORDER, ...builds].flatMap(([id, needed]) => {
    const earlier = before(id);
    return steps.flatMap((step) =>
      step.id !== id && needed.test(step.id) && !earlier.has(step.id)
        ? [`${id} does not wait for ${step.id}`]
        : [],
    );
  });
  return [...implicit, ...order];
}

/** The image of a tag may change between two builds; an empty digest is no reference, so that nothing runs on a tag. */
function problemsOfBuilders({ steps, substitutions }: Build): string[] {
  return steps.flatMap(({ id, name }) => {
    const image = name.replace(/^\$\{(_\w+)\}$/, (_, variable: string) => substitutions[variable] ?? '');
    const [, digest = ''] = /@\$\{(_\w+_DIGEST)\}$/.exec(image) ?? [];
    return substitutions[digest] === '' ? [] : [`${id} runs in ${name}, which is not by digest`];
  });
}

function problemsOfSubstitutions(source: string, { substitutions }: Build): string[] {
  const code = source.replace(/^\s*#.*$/gm, '');
  const used = new Set([...code.matchAll(/(?<!\$)\$\{?(_?[A-Z][A-Z_]*)\}?/g)].map(([, name = '']) => name));
  const comments = source.split('\nsubstitutions:')[0] ?? '';
  return [
    ...[...used].flatMap((name) =>
      BUILT_IN.has(name) || name in substitutions ? [] : [`\${${name}} is unknown`],
    ),
    ...Object.keys(substitutions).flatMap((name) => (used.has(name) ? [] : [`${name} is not used`])),
    ...Object.keys(substitutions).flatMap((name) =>
      comments.includes(name) || name === '_IMAGES' ? [] : [`${name} is not documented`],
    ),
  ];
}

function problemsOfRights({ serviceAccount, options }: Build): string[] {
  return [
    ...(serviceAccount ? [] : ['it runs as the default service account']),
    ...(options['logging'] === 'CLOUD_LOGGING_ONLY' ? [] : ['an own service account needs a logging option']),
    ...(options['requestedVerifyOption'] === 'VERIFIED' ? [] : ['no provenance is asked for']),
  ];
}
