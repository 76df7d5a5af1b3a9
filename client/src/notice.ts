/** Whether the service takes new uploads, and what its operators tell users. Times are RFC 3339. */
export interface ServiceNotice {
  readonly intake:
    | { readonly state: 'open' }
    | {
        readonly state: 'paused';
        readonly reason: string;
        /** When uploads are taken again; absent where that is not known. */
        readonly until?: string;
      };
  readonly notice?: {
    readonly text: string;
    readonly level: 'info' | 'warning';
    readonly until?: string;
  };
}
