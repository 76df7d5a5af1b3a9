/** Whether upload and files share a host name, as behind a load balancer, or have one each. */
type Hosts = 'one' | 'two';

/** Defines the same tests for both: `HOSTS` of the service is to be `hosts`. */
export function overHosts(title: string, define: (this: Mocha.Suite, hosts: Hosts) => void): void {
  for (const hosts of ['one', 'two'] as const) {
    describe(`${title}, at ${hosts === 'one' ? 'one host name' : 'two host names'}`, function () {
      define.call(this, hosts);
    });
  }
}
