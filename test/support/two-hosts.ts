import { Relay } from './relay.ts';
import { Service } from './service.ts';

/**
 * The service as it is without a load balancer, for the tests of the enclosing `describe`: upload and files have
 * separate addresses, and what one does not serve is not there.
 */
export class TwoHosts {
  readonly upload = new Relay();
  readonly files = new Relay();
  readonly service: Service;

  constructor(environment: Record<string, string> = {}) {
    this.service = new Service(environment, {
      adapt: (spec) => {
        if (spec.env['FILES_URL'] === undefined) return spec;
        return { ...spec, env: { ...spec.env, FILES_URL: this.files.url } };
      },
    });
    before(() => {
      this.upload.target = this.service.platform.uploadUrl;
      this.files.target = this.service.platform.filesUrl;
    });
  }
}
