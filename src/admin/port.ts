// What the admin API asks of the recorder. Answers come from its reader thread; nothing here runs on the data plane's time.
import type {
  FacetField,
  FacetSummary,
  PayloadPart,
  RequestDetail,
  RequestFilters,
  RequestHistogram,
  StoredPayload,
  StreamPage,
} from '#store'

/** Every answer but `newer` sees all that was answered to clients before the question. */
export interface QueryPort {
  /** The JSON text of a page, newest first. Rejects with a `CursorError` for a cursor that this instance did not make. */
  listText(filters: RequestFilters, limit: number, cursor: string | undefined): Promise<string>
  get(id: string): Promise<RequestDetail | undefined>
  /** The bytes, or a sentence for the operator why they are not there. */
  payload(id: string, part: PayloadPart): Promise<StoredPayload>
  /** Rows in the order in which they came into the store, after a position; without one only where that is now. */
  newer(filters: RequestFilters, position: string | undefined, limit: number): Promise<StreamPage>
  histogram(filters: RequestFilters, fromMs: number, toMs: number, intervalMs: number): Promise<RequestHistogram>
  facets(filters: RequestFilters, fields: readonly FacetField[], limit: number): Promise<FacetSummary>
  /** Resolves once everything that was answered before the call is visible to `newer` too. */
  flush(): Promise<void>
}
