import * as v from 'valibot';
import { integer, nonEmpty } from '../runtime/config.ts';
import type { Logger } from '../runtime/log.ts';
import { Bucket } from '../storage/bucket.ts';
import { DEFAULT_RETRY } from '../storage/retry.ts';
import type { Transport } from '../storage/transport.ts';
import { DeploymentWatch } from './watch.ts';

/** Milliseconds: a request may wait for it, and the next one asks again. */
const TIMEOUT_MS = 5_000;

/** Tells this deployment from any other that is given the same buckets. */
export const deploymentVariable = { DEPLOYMENT: v.optional(nonEmpty, 'unnamed') };

/** Configuration of a function that watches the state of the deployment. */
export const watchVariables = {
  ...deploymentVariable,
  DEPLOYMENT_REFRESH_SECONDS: v.optional(integer(1, 86_400), '30'),
};

interface WatchConfig extends v.InferOutput<v.ObjectSchema<typeof watchVariables, undefined>> {
  readonly PERMANENT_BUCKET: string;
}

/**
 * Milliseconds until the state is read, if no request asks for it before. A read that begins at once loads google-auth-library
 * before the function serves, which takes 50 ms, and the first upload is stored no sooner (measured).
 */
const WARM_AFTER_MS = 100;

/** A watch, which reads for the first time once the function serves. */
export function watchDeployment(config: WatchConfig, storage: Transport, log: Logger): DeploymentWatch {
  const retry = { ...DEFAULT_RETRY, attempts: 1 };
  const watch = new DeploymentWatch({
    permanent: new Bucket(storage, config.PERMANENT_BUCKET, { timeoutMs: TIMEOUT_MS, retry }),
    deployment: config.DEPLOYMENT,
    refreshMs: config.DEPLOYMENT_REFRESH_SECONDS * 1000,
    log,
  });
  setTimeout(() => watch.warm(), WARM_AFTER_MS).unref();
  return watch;
}
