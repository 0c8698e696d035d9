import type { ExecutionContext } from 'ava'
import { ProtocolManager, YDoc, type YText } from '../../../index.js'

/** How long, in ms, anything of these tests may take: brokers restart in it. */
const BOUND = 90_000

/** A native provider with one document, destroyed with the test. It reconnects without the delays of production. */
export class NativeClient {
  readonly provider: ProtocolManager
  readonly doc = new YDoc()
  readonly text: YText
  readonly docId: string

  constructor(t: ExecutionContext, url: string, docId: string, roomId = 'room') {
    const socketOptions = { reconnectionDelay: 20, reconnectionDelayMax: 200 }
    this.docId = docId
    this.provider = new ProtocolManager({ url, roomId, socketOptions })
    this.text = this.doc.getText('body')
    this.provider.addDoc(this.doc, { docId })
    t.teardown(() => this.provider.destroy())
  }

  static async open(t: ExecutionContext, url: string, docId: string, roomId?: string): Promise<NativeClient> {
    const client = new NativeClient(t, url, docId, roomId)
    await client.synced()
    return client
  }

  synced(): Promise<unknown> {
    return this.provider.whenSynced(this.docId, { timeout: BOUND })
  }

  /** Resolves when every edit is in the log. */
  flush(): Promise<unknown> {
    return this.provider.flush({ timeout: BOUND })
  }

  get offset(): bigint {
    return BigInt(this.provider.getDocState(this.docId)?.offset ?? -1)
  }

  /** Resolves when the text fits, looking again after each change. */
  whenText(fits: (text: string) => boolean): Promise<void> {
    return new Promise((resolve) => {
      const check = () => {
        if (!fits(this.text.toString())) return
        this.doc.off('update', check)
        resolve()
      }
      this.doc.on('update', check)
      check()
    })
  }
}
