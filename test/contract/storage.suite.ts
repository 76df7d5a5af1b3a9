import { describeStorage } from './storage/describe-storage.ts';
import { readTarget } from './target.ts';

const { storage } = readTarget();
if (storage)
  describeStorage(`Cloud Storage at ${storage.url} (${storage.kind})`, storage.kind, () => storage);
