import { describeStorage } from './storage/describe-storage.ts';
import { kindOf } from './storage/subject.ts';
import { readTarget } from './target.ts';

const { endpoint, bucket } = readTarget(process.env);
if (endpoint !== undefined) {
  const kind = await kindOf(endpoint);
  describeStorage(`Cloud Storage at ${endpoint} (${kind})`, kind, () => ({ url: endpoint, bucket }));
}
