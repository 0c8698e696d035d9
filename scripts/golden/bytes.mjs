// Bytes as the fixture has them.

export const hex = (bytes) => Buffer.from(bytes).toString('hex')
export const bytesOf = (...values) => Uint8Array.from(values)
