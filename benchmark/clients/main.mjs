// The process of a client: does one piece of work, reports its figures, ends.
process.on('disconnect', () => process.exit(1))
const { work, ...parameters } = JSON.parse(process.argv[2])

const { run } = await import(`../work/${work}.mjs`)
const client = await import(`./${parameters.client}.mjs`)
process.send(await run(client, parameters), () => process.exit(0))
