import { isDeepStrictEqual } from 'node:util'

import test from 'ava'
import * as Y from 'yjs'

import { applyUpdate, encodeStateAsUpdate, encodeStateVector, YDoc, YMap, YXmlElement, YXmlText } from '../index.js'
import { Random } from './helpers/random.ts'

/** The tree in plain form; both sides must give the same. */
type Plain = string | { name: string; attributes: object; children: Plain[] } | { delta: unknown; attributes: object }

/** Neighbouring runs of equal attributes as one: there are two where a replica has not tidied its formats up yet. */
function merged(delta: { insert?: unknown; attributes?: object }[]): unknown[] {
  const runs: { insert?: unknown; attributes?: object }[] = []
  for (const run of delta) {
    const last = runs.at(-1)
    if (
      typeof last?.insert === 'string' &&
      typeof run.insert === 'string' &&
      isDeepStrictEqual(last.attributes, run.attributes)
    ) {
      last.insert += run.insert
    } else runs.push({ ...run })
  }
  return runs
}

function plainNative(node: unknown): Plain {
  if (node instanceof YXmlText) return { delta: merged(node.toDelta()), attributes: node.attributes() }
  if (!(node instanceof YXmlElement)) return String(node)
  const children: Plain[] = []
  for (let child = node.firstChild(); child !== undefined; child = (child as YXmlElement).nextSibling()) {
    children.push(plainNative(child))
  }
  return { name: node.name(), attributes: node.attributes(), children }
}

function plainYjs(node: unknown): Plain {
  if (node instanceof Y.XmlText) return { delta: merged(node.toDelta()), attributes: node.getAttributes() }
  if (!(node instanceof Y.XmlElement)) return String(node)
  return { name: node.nodeName, attributes: node.getAttributes(), children: node.toArray().map(plainYjs) }
}

function plainRoots(native: YDoc, yjs: Y.Doc): [Plain[], Plain[]] {
  const ofNative: Plain[] = []
  const root = native.getXmlFragment('page')
  for (let node = root.firstChild(); node !== undefined; node = (node as YXmlElement).nextSibling()) {
    ofNative.push(plainNative(node))
  }
  return [ofNative, yjs.getXmlFragment('page').toArray().map(plainYjs)]
}

test('yjs_reads_what_native_wrote', (t) => {
  const native = new YDoc()
  const element = new YXmlElement('p', { a: 'x', b: 2 }, [new YXmlText('hello', { lang: 'en' })])
  native.getXmlFragment('page').push(element)
  element.push(new YXmlElement('br'))
  const text = element.firstChild() as YXmlText
  text.format(0, 2, { em: { k: 'v' } })
  text.applyDelta([{ retain: 5 }, { insert: { image: 'x' } }, { insert: '😀', attributes: { strong: true } }])
  text.insertEmbed(0, new YMap({ deep: [1] }))
  const yjs = new Y.Doc()
  Y.applyUpdate(yjs, encodeStateAsUpdate(native))
  const there = yjs.getXmlFragment('page').get(0) as Y.XmlElement
  t.is(there.nodeName, 'p')
  t.deepEqual(there.getAttributes(), { a: 'x', b: 2 } as never)
  const textThere = there.get(0) as Y.XmlText
  t.deepEqual(textThere.getAttributes(), { lang: 'en' })
  const [map, ...rest] = textThere.toDelta()
  t.deepEqual(map.insert.toJSON(), { deep: [1] })
  t.deepEqual(rest, [
    { insert: 'he', attributes: { em: { k: 'v' } } },
    { insert: 'llo' },
    { insert: { image: 'x' } },
    { insert: '😀', attributes: { strong: true } }
  ])
  t.is((there.get(1) as Y.XmlElement).nodeName, 'br')
  t.deepEqual(Y.encodeStateAsUpdate(yjs), encodeStateAsUpdate(native))
})

test('native_reads_what_yjs_wrote', (t) => {
  const yjs = new Y.Doc()
  const element = new Y.XmlElement<{ a: string; o: object }>('p')
  yjs.getXmlFragment('page').push([element as never, new Y.XmlText('tail')])
  element.setAttribute('a', 'x')
  element.setAttribute('o', { k: [1] })
  const text = new Y.XmlText('hello')
  element.insert(0, [text, new Y.XmlElement('br')])
  text.setAttribute('lang', 'en')
  text.format(0, 2, { em: {} })
  text.applyDelta([{ retain: 5 }, { insert: { image: 'x' } }, { insert: new Y.Map([['k', 1]]) }])
  const native = new YDoc()
  applyUpdate(native, Y.encodeStateAsUpdate(yjs))
  const root = native.getXmlFragment('page')
  t.is(root.length(), 2)
  const [p, there, br, tail] = root.treeWalker() as [YXmlElement, YXmlText, YXmlElement, YXmlText]
  t.is(p.name(), 'p')
  t.deepEqual(p.attributes(), { a: 'x', o: { k: [1] } })
  t.deepEqual(there.attributes(), { lang: 'en' })
  t.deepEqual(there.toDelta().slice(0, 3), [
    { insert: 'he', attributes: { em: {} } },
    { insert: 'llo' },
    { insert: { image: 'x' } }
  ])
  t.deepEqual(there.toDelta()[3].insert.toJson(), { k: 1 })
  t.is(br.name(), 'br')
  t.is(tail.toString(), 'tail')
  t.deepEqual(encodeStateAsUpdate(native), Y.encodeStateAsUpdate(yjs))
})

test('fragments_inside_of_yjs_trees_are_read', (t) => {
  const yjs = new Y.Doc()
  const inner = new Y.XmlFragment()
  yjs.getXmlFragment('page').push([new Y.XmlElement('first'), inner as never, new Y.XmlElement('last')])
  inner.push([new Y.XmlElement('deep')])
  const native = new YDoc()
  applyUpdate(native, Y.encodeStateAsUpdate(yjs))
  const root = native.getXmlFragment('page')
  t.is(root.toString(), '<first></first><deep></deep><last></last>')
  t.is(root.treeWalker().length, 4)
  t.is((root.firstChild() as YXmlElement).nextSibling()?.constructor.name, 'YXmlFragment')
})

test('native_writes_the_same_xml_as_yjs', (t) => {
  const yjs = new Y.Doc()
  const element = new Y.XmlElement('p')
  yjs.getXmlFragment('page').push([element])
  element.setAttribute('z', '1')
  element.setAttribute('a', '<2>')
  element.push([new Y.XmlText('hello')])
  ;(element.get(0) as Y.XmlText).format(1, 3, { b: { y: '1', x: '2' }, a: true })
  ;(element.get(0) as Y.XmlText).format(2, 3, { c: {} })
  const native = new YDoc()
  applyUpdate(native, Y.encodeStateAsUpdate(yjs))
  t.is(native.getXmlFragment('page').toString(), yjs.getXmlFragment('page').toString())
})

const formats = [{ bold: true }, { bold: null }, { size: 1 }, { size: 2, em: {} }, { em: null, size: null }, {}]

/** One random edit of a native document. */
function editNative(random: Random, doc: YDoc): void {
  const root = doc.getXmlFragment('page')
  const nodes = root.treeWalker()
  const texts = nodes.filter((node): node is YXmlText => node instanceof YXmlText)
  const elements = nodes.filter((node): node is YXmlElement => node instanceof YXmlElement)
  const parent = random.chance(30) || elements.length === 0 ? root : random.pick(elements)
  switch (random.below(6)) {
    case 0: {
      const child = random.chance(50)
        ? new YXmlElement(`n${random.below(5)}`, { a: 1 })
        : new YXmlText('seed', { t: 2 })
      parent.insert(random.below(parent.length() + 1), child)
      break
    }
    case 1:
      if (parent.length() > 3) parent.delete(random.below(parent.length() - 1), 1 + random.below(2))
      break
    case 2:
      if (elements.length > 0) random.pick(elements).setAttribute(`k${random.below(3)}`, random.below(100))
      break
    case 3:
      if (elements.length > 0) random.pick(elements).removeAttribute(`k${random.below(3)}`)
      break
    default:
      if (texts.length > 0) {
        const text = random.pick(texts)
        text.applyDelta(randomDelta(random, text.length()) as never)
      }
  }
}

/** The same for yjs. */
function editYjs(random: Random, doc: Y.Doc): void {
  const root = doc.getXmlFragment('page')
  const [texts, elements]: [Y.XmlText[], Y.XmlElement[]] = [[], []]
  for (const node of root.createTreeWalker(() => true) as Iterable<unknown>) {
    if (node instanceof Y.XmlText) texts.push(node)
    else if (node instanceof Y.XmlElement) elements.push(node)
  }
  const parent = random.chance(30) || elements.length === 0 ? root : random.pick(elements)
  switch (random.below(6)) {
    case 0: {
      const child = random.chance(50) ? new Y.XmlElement(`n${random.below(5)}`) : new Y.XmlText('seed')
      parent.insert(random.below(parent.length + 1), [child])
      break
    }
    case 1:
      if (parent.length > 3) parent.delete(random.below(parent.length - 1), 1 + random.below(2))
      break
    case 2:
      if (elements.length > 0) random.pick(elements).setAttribute(`k${random.below(3)}`, random.below(100) as never)
      break
    case 3:
      if (elements.length > 0) random.pick(elements).removeAttribute(`k${random.below(3)}`)
      break
    default:
      if (texts.length > 0) {
        const text = random.pick(texts)
        text.applyDelta(randomDelta(random, text.length))
      }
  }
}

/** Replicas of yjs, too, differ once somebody cuts a surrogate pair: several get none of them. */
function randomDelta(random: Random, length: number, chunks = ['x', 'yz', '\n', 'é漢']): object[] {
  const delta: object[] = []
  for (let left = length, step = 0; step < 4; step++) {
    const part = random.below(left + 1)
    const kind = random.below(4)
    if (kind === 0) delta.push({ insert: random.pick(chunks), attributes: random.pick(formats.slice(2, 4)) })
    else if (kind === 1) delta.push({ insert: random.chance(20) ? { image: random.below(9) } : 'plain' })
    else if (part > 0) {
      delta.push(kind === 2 ? { retain: part, attributes: random.pick(formats) } : { delete: part })
      left -= part
    }
  }
  return delta
}

test('random_edits_of_native_and_yjs_replicas_converge', (t) => {
  const random = new Random()
  t.log(`SEED=${random.seed}`)
  for (let round = 0; round < 15; round++) {
    const natives = [new YDoc({ clientID: 1 }), new YDoc({ clientID: 2 })]
    const yjs = [new Y.Doc(), new Y.Doc()]
    yjs[0].clientID = 3
    yjs[1].clientID = 4
    for (let exchange = 0; exchange < 6; exchange++) {
      for (let edit = 0; edit < 12; edit++) {
        editNative(random, random.pick(natives))
        editYjs(random, random.pick(yjs))
      }
      const updates = random.shuffle([
        ...natives.map((it) => encodeStateAsUpdate(it)),
        ...yjs.map((it) => Y.encodeStateAsUpdate(it))
      ])
      for (const update of updates) {
        for (const doc of natives) applyUpdate(doc, update)
        for (const doc of yjs) Y.applyUpdate(doc, update)
      }
      // Each replica may have tidied formats up on its own; once more, then all have the same.
      for (const update of [
        ...natives.map((it) => encodeStateAsUpdate(it)),
        ...yjs.map((it) => Y.encodeStateAsUpdate(it))
      ]) {
        for (const doc of natives) applyUpdate(doc, update)
        for (const doc of yjs) Y.applyUpdate(doc, update)
      }
      const label = `round ${round}, exchange ${exchange}, SEED=${random.seed}`
      const [ofNative, ofYjs] = plainRoots(natives[0], yjs[0])
      t.deepEqual(ofNative, ofYjs, label)
      t.deepEqual(plainRoots(natives[1], yjs[1]), [ofNative, ofYjs], label)
      const vector = Y.decodeStateVector(encodeStateVector(natives[0]))
      t.deepEqual([...vector].sort(), [...Y.decodeStateVector(Y.encodeStateVector(yjs[0]))].sort(), label)
    }
  }
})

test('the_same_random_deltas_give_the_same_text_on_native_and_yjs', (t) => {
  const random = new Random()
  t.log(`SEED=${random.seed}`)
  for (let round = 0; round < 100; round++) {
    const native = new YDoc().getText('text')
    const yjs = new Y.Doc().getText('text')
    for (let step = 0; step < 20; step++) {
      const delta = randomDelta(random, yjs.length, ['x', 'yz', '\n', '😀'])
      native.applyDelta(delta as never)
      yjs.applyDelta(delta)
      t.deepEqual(merged(native.toDelta()), merged(yjs.toDelta()), `round ${round}, step ${step}, SEED=${random.seed}`)
      t.is(native.length(), yjs.length)
    }
  }
})
