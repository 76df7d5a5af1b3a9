import type { Draft, Store } from '../state/store.ts';
import type { Access } from './access.ts';

/**
 * Whether the caller may make the object now. Replacing one needs the permission to delete as well, but a precondition
 * that fails says so first: who may create and not delete is told 412 where `ifGenerationMatch=0` meets a name that is taken.
 * @throws ApiError 401 | 403 | 404 | 412
 */
export function admitDraft(store: Store, access: Access, draft: Draft): void {
  access.require('storage.objects.create', draft);
  store.checkDraft(draft);
  if (store.find(draft.bucket, draft.name)) access.require('storage.objects.delete', draft);
}

/**
 * The same where the object is made at once: a name that has just changed is refused before its preconditions are looked at.
 * @throws ApiError 401 | 403 | 404 | 412 | 429
 */
export function admitMutation(store: Store, access: Access, draft: Draft): void {
  access.require('storage.objects.create', draft);
  store.checkMutable(draft);
  admitDraft(store, access, draft);
}
