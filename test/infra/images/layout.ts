import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, stat, symlink } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { reservePorts } from '../../../infra/local/processes/ports.ts';
import {
  assignmentsOf,
  type Dockerfile,
  parseDockerfile,
  type Stage,
  type Step,
  wordsOf,
} from './dockerfile.ts';
import { isIgnored } from './dockerignore.ts';

const run = promisify(execFile);

/** The result of a Dockerfile, as a folder: `root` stands for `/` of the image. */
export interface Image {
  readonly root: string;
  readonly workdir: string;
  readonly env: Readonly<Record<string, string>>;
  readonly user: string;
  readonly entrypoint: readonly string[];
}

/**
 * Lays out the images of a Dockerfile without Docker: COPY copies what .dockerignore lets through, RUN runs its command
 * with the tools of this machine. The Node of this machine stands in for that of the base images.
 */
export class Layout {
  readonly #dockerfile: Dockerfile;
  readonly #ignore: string;
  readonly #context: string;
  readonly #folder: string;
  readonly #built = new Map<string, Promise<Image>>();

  private constructor(dockerfile: Dockerfile, ignore: string, context: string, folder: string) {
    this.#dockerfile = dockerfile;
    this.#ignore = ignore;
    this.#context = context;
    this.#folder = folder;
  }

  /** @param folder where images are laid out; the caller removes it */
  static async of(dockerfile: string, context: string, folder: string): Promise<Layout> {
    const [source, ignore] = await Promise.all([
      readFile(dockerfile, 'utf8'),
      readFile(join(context, '.dockerignore'), 'utf8'),
    ]);
    return new Layout(parseDockerfile(source), ignore, context, folder);
  }

  /** The last stage, with these build arguments. */
  async build(args: Readonly<Record<string, string>>): Promise<Image> {
    const last = this.#dockerfile.stages.at(-1);
    assert(last, 'there is no stage');
    return this.#stage(last, args);
  }

  /** A stage that takes no argument is the same for all. */
  #stage(stage: Stage, args: Readonly<Record<string, string>>): Promise<Image> {
    const asked = stage.steps.filter(({ keyword }) => keyword === 'ARG').map(({ rest }) => rest);
    const key = [stage.name, ...asked.map((name) => args[name])].join(' ');
    const built = this.#built.get(key) ?? this.#lay(stage, args);
    this.#built.set(key, built);
    return built;
  }

  async #lay(stage: Stage, args: Readonly<Record<string, string>>): Promise<Image> {
    const base = this.#named(stage.base);
    const root = await mkdtemp(join(this.#folder, `${stage.name}-`));
    let image: Image = { root, workdir: '/', env: {}, user: '0', entrypoint: [] };
    if (base) {
      const below = await this.#stage(base, args);
      await cp(below.root, root, { recursive: true, verbatimSymlinks: true });
      image = { ...below, root };
    } else {
      await mkdir(join(root, 'nodejs/bin'), { recursive: true });
      await symlink(process.execPath, join(root, 'nodejs/bin/node'));
    }
    const known: Record<string, string> = {};
    for (const step of stage.steps) image = await this.#apply(step, image, args, known);
    return image;
  }

  async #apply(
    step: Step,
    image: Image,
    args: Readonly<Record<string, string>>,
    known: Record<string, string>,
  ): Promise<Image> {
    const rest = substitute(step.rest, { ...image.env, ...known });
    switch (step.keyword) {
      case 'ARG':
        known[rest] = args[rest] ?? '';
        return image;
      case 'WORKDIR':
        await mkdir(join(image.root, rest), { recursive: true });
        return { ...image, workdir: rest };
      case 'ENV':
        return { ...image, env: { ...image.env, ...Object.fromEntries(assignmentsOf({ ...step, rest })) } };
      case 'COPY':
        await this.#copy({ ...step, rest }, image, args);
        return image;
      case 'RUN':
        await this.#run(rest, image, known);
        return image;
      case 'USER':
        return { ...image, user: rest };
      case 'ENTRYPOINT':
        return { ...image, entrypoint: wordsOf({ ...step, rest }) };
      case 'EXPOSE':
      case 'CMD':
        return image;
      default:
        throw new Error(`${step.keyword} cannot be laid out`);
    }
  }

  async #copy(step: Step, image: Image, args: Readonly<Record<string, string>>): Promise<void> {
    const words = [...wordsOf(step)];
    const target = words.pop() ?? '';
    const from = step.flags['from'];
    const stage = from === undefined ? undefined : this.#named(from);
    assert(from === undefined || stage, `COPY --from=${from}: no such stage`);
    const source = stage ? (await this.#stage(stage, args)).root : this.#context;
    for (const word of words) {
      const folder = target.endsWith('/') ? join(target, basename(word)) : target;
      const to = join(image.root, resolve(image.workdir, folder));
      await mkdir(dirname(to), { recursive: true });
      await cp(join(source, word), to, {
        recursive: true,
        verbatimSymlinks: true,
        filter: (path) => stage !== undefined || this.#sent(path),
      });
      await stat(to); // Files that .dockerignore keeps back cannot be copied.
    }
  }

  #sent(path: string): boolean {
    return !isIgnored(this.#ignore, path.slice(this.#context.length).replace(/^\//, ''));
  }

  async #run(command: string, image: Image, known: Readonly<Record<string, string>>): Promise<void> {
    const [port] = await reservePorts('127.0.0.1', [{ port: 0, variable: '' }]);
    await run('sh', ['-ec', command], {
      cwd: join(image.root, image.workdir),
      env: {
        ...ofThisMachine(),
        PORT: String(port),
        ...known,
        ...environmentOf(image, process.env['PATH'] ?? ''),
      },
    });
  }

  #named(name: string): Stage | undefined {
    return this.#dockerfile.stages.find((stage) => stage.name === name);
  }
}

/** How to reach the registry, and where tools are; nothing of Node, nor of the npm script that may be around. */
function ofThisMachine(): Record<string, string> {
  const entries = Object.entries(process.env).flatMap(([name, value]) =>
    value === undefined || /^(NODE_(?!EXTRA)|INIT_CWD|npm_(?!config)|npm_config_local_prefix)/.test(name)
      ? []
      : [[name, value] as const],
  );
  return Object.fromEntries(entries);
}

/** The environment of an image with its paths where they are laid out. */
export function environmentOf(image: Image, path: string): Record<string, string> {
  const inside = (value: string) => (/^\/(app|nodejs)(\/|$)/.test(value) ? image.root + value : value);
  const entries = Object.entries(image.env).map(([name, value]) => {
    const parts = substitute(value, { PATH: path }).split(':');
    return [name, parts.map(inside).join(':')] as const;
  });
  return Object.fromEntries(entries);
}

/** `$NAME` and `${NAME}` of what is known; the rest is the shell's. */
function substitute(text: string, known: Readonly<Record<string, string>>): string {
  return text.replace(/\$\{?([A-Za-z_]\w*)\}?/g, (whole, name: string) => known[name] ?? whole);
}
