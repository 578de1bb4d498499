/** What the main thread asks of the PGlite thread: bytes of the wire protocol, or the end of a connection. */
export type WorkerRequest =
  | { id: number; kind: 'wire'; bytes: Uint8Array }
  | { id: number; kind: 'reset' }
  | { id: number; kind: 'close' }

/** Answer to the request with the same id; id 0 tells that the database is open. */
export type WorkerReply =
  | { id: number; ok: true; bytes?: Uint8Array }
  | { id: number; ok: false; message: string }
