/** What is asked to close. */
interface Closable {
  close(): Promise<void>
}

/**
 * Closes in order on SIGTERM or SIGINT and exits with 0, or with 1 after a failure. A second signal exits with 1 at
 * once: whoever asks twice does not want to wait for anybody.
 */
export function closeOnSignal(closable: Closable, onFailure: (error: unknown) => void): void {
  let isClosing = false
  const close = () => {
    if (isClosing) process.exit(1)
    isClosing = true
    closable.close().then(
      () => process.exit(0),
      (error: unknown) => {
        onFailure(error)
        process.exit(1)
      }
    )
  }
  process.on('SIGTERM', close)
  process.on('SIGINT', close)
}
