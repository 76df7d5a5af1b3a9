import { describeMainJob } from './main-job/describe-main-job.ts';
import { readTarget } from './target.ts';

const { storage } = readTarget();
if (storage) {
  const { kind, url } = storage;
  const name = `the main job on ${url} (${kind})`;
  if (kind === 'google') {
    describe(name, () => {
      it('is what `fileshare verify` is for', function () {
        console.warn('SKIPPED: on Cloud Storage itself, `fileshare verify` runs against a deployment');
        this.skip();
      });
    });
  } else describeMainJob(name, kind === 'testbench' ? 'testbench' : 'published', () => url);
}
