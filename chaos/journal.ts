import type { Entry } from './editor.ts'
import { markersIn } from './marker.ts'

/** What the journal knows about a document. */
interface Expectation {
  /** Markers that must be there, each once. */
  readonly present: ReadonlySet<string>
  readonly absent: ReadonlySet<string>
}

/** Who did what, and of what it was promised that it is in the log. */
export class Journal {
  /** By client. */
  readonly #entries = new Map<string, Entry[]>()
  readonly #flushed = new Set<Entry>()

  note(client: string, entries: readonly Entry[]): void {
    const known = this.#entries.get(client) ?? []
    this.#entries.set(client, known)
    known.push(...entries)
  }

  /** The first `count` entries of a client are in the log, as far as they are in these documents. */
  noteFlushed(client: string, count: number, docIds: readonly string[]): void {
    for (const entry of this.#entries.get(client)?.slice(0, count) ?? []) {
      if (docIds.includes(entry.docId)) this.#flushed.add(entry)
    }
  }

  get flushed(): number {
    return this.#flushed.size
  }

  /** What is wrong with a document's content, of what everybody did. */
  checkAll(docId: string, content: string): string[] {
    return check(
      docId,
      content,
      this.#expectation(docId, () => true)
    )
  }

  /** What is wrong with a document in the log, of what was flushed. */
  checkFlushed(docId: string, content: string): string[] {
    return check(
      docId,
      content,
      this.#expectation(docId, (entry) => this.#flushed.has(entry))
    )
  }

  /** What is deleted by an edit that counts must be absent; by one that doesn't count, it may be. */
  #expectation(docId: string, counts: (entry: Entry) => boolean): Expectation {
    const present = new Set<string>()
    const absent = new Set<string>()
    const entries = [...this.#entries.values()].flat().filter((entry) => entry.docId === docId)
    for (const entry of entries) if (entry.op === 'add' && counts(entry)) present.add(entry.marker)
    for (const entry of entries) {
      if (entry.op !== 'delete') continue
      present.delete(entry.marker)
      if (counts(entry)) absent.add(entry.marker)
    }
    return { present, absent }
  }
}

function check(docId: string, content: string, { present, absent }: Expectation): string[] {
  const found = markersOf(content)
  const unique = new Set(found)
  const name = (marker: string) => (marker.length > 60 ? `${marker.slice(0, 40)}...` : marker)
  const wrong = (what: string, markers: string[]) =>
    markers.length === 0 ? [] : [`${docId}: ${markers.length} ${what}: ${markers.slice(0, 5).map(name).join(' ')}`]
  return [
    ...wrong(
      'edits are missing',
      [...present].filter((marker) => !unique.has(marker))
    ),
    ...wrong(
      'deleted edits are there',
      [...absent].filter((marker) => unique.has(marker))
    ),
    ...wrong(
      'edits are there more than once',
      found.filter((marker, index) => found.indexOf(marker) !== index)
    )
  ]
}

/** All markers of a document: in its text, in its list, among the keys of its map. */
function markersOf(content: string): string[] {
  const { text, list, map } = JSON.parse(content) as { text: string; list: unknown[]; map: [string, unknown][] }
  const items = list.map((item) => (typeof item === 'string' ? item : (item as { nested: string }).nested))
  return [text, ...items, ...map.map(([key]) => key)].flatMap(markersIn)
}
