/** Whether an error, or one of those it is made of, is the broker's error of that name. */
export function hasKafkaCode(error: unknown, name: string): boolean {
  const { findBy } = error as { findBy?: (property: string, value: unknown) => unknown }
  return typeof findBy === 'function' && findBy.call(error, 'apiId', name) != null
}
