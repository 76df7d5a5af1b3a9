import assert from 'node:assert/strict';
import type { Grant, Refusal } from '../../infra/emulators/common/iam/policy.ts';
import type { Service } from './service.ts';

interface Report {
  readonly grants: readonly Grant[];
  readonly used: readonly string[];
  readonly refusals: readonly Refusal[];
}

/** The grants that both emulators of a service enforce, which a test may take away while it runs. */
export class Enforced {
  readonly #service: Service;

  constructor(service: Service) {
    this.#service = service;
  }

  async grants(): Promise<readonly Grant[]> {
    return (await this.#ask('GET'))[0]?.grants ?? [];
  }

  async replace(grants: readonly Grant[]): Promise<void> {
    await this.#ask('PUT', JSON.stringify({ grants }));
  }

  async forget(): Promise<void> {
    await this.#ask('DELETE');
  }

  /** `GRANT PERMISSION` for all that allowed something. */
  async used(): Promise<readonly string[]> {
    return (await this.#ask('GET')).flatMap(({ used }) => used);
  }

  async refusals(): Promise<readonly Refusal[]> {
    return (await this.#ask('GET')).flatMap(({ refusals }) => refusals);
  }

  async refusalsOf(account: string): Promise<readonly Refusal[]> {
    return (await this.refusals()).filter((refusal) => refusal.account === account);
  }

  async isRefused(account: string, permission: string): Promise<boolean> {
    return (await this.refusals()).some(
      (refusal) => refusal.account === account && refusal.permission === permission,
    );
  }

  async #ask(method: string, body?: string): Promise<readonly Report[]> {
    const { storageUrl, pubsubHost } = this.#service.platform;
    return Promise.all(
      [storageUrl, `http://${pubsubHost}`].map(async (base) => {
        const response = await fetch(`${base}/_emulator/iam`, {
          method,
          ...(body !== undefined && { body }),
        });
        assert.equal(response.status, 200);
        return (await response.json()) as Report;
      }),
    );
  }
}

/** All grants but one permission of one of them. */
export function without(grants: readonly Grant[], name: string, permission: string): Grant[] {
  return grants.map((grant) =>
    grant.name === name
      ? { ...grant, permissions: grant.permissions.filter((each) => each !== permission) }
      : grant,
  );
}
