/** Operations as counts and fault rules name them, by their price class. Source: Cloud Storage pricing. */
export const OPERATION_CLASSES = {
  'buckets.insert': 'A',
  'buckets.list': 'A',
  'buckets.get': 'B',
  'buckets.patch': 'A',
  'buckets.update': 'A',
  'buckets.delete': 'free',
  'buckets.getStorageLayout': 'B',
  'managedFolders.list': 'A',
  'notifications.list': 'B',
  'objects.insert': 'A',
  'objects.list': 'A',
  'objects.get': 'B',
  'objects.getMedia': 'B',
  'objects.patch': 'A',
  'objects.update': 'A',
  'objects.delete': 'free',
  'objects.copy': 'A',
  'objects.rewrite': 'A',
  'objects.compose': 'A',
  // A resumable upload is one operation of class A as a whole.
  'resumable.start': 'A',
  'resumable.chunk': 'free',
  'resumable.query': 'free',
  'resumable.cancel': 'free',
  notify: 'B',
} as const satisfies Record<string, 'A' | 'B' | 'free'>;

export type Operation = keyof typeof OPERATION_CLASSES;
/** Operations that a request can ask for; a notification is the emulator's own request. */
export type ServedOperation = Exclude<Operation, 'notify'>;
export type OperationClass = (typeof OPERATION_CLASSES)[Operation];

export const isOperation = (name: unknown): name is Operation =>
  typeof name === 'string' && Object.hasOwn(OPERATION_CLASSES, name);

/** Objects of an operation; those of a copy or a rewrite are its source and its destination. */
export interface Target {
  readonly bucket: string;
  /** Empty where only a bucket is meant. */
  readonly name: string;
}
