// Run by mod.rs in every environment. A view is what a listener gets: it shows an item of a batch. Its class is made of a
// native one, of which there is a single instance: whatever is asked of a view, that one is turned to its item and asked.
;(function (turn, scratch) {
  'use strict'
  const { apply, defineProperty, getOwnPropertyDescriptor, getPrototypeOf, ownKeys, setPrototypeOf } = Reflect
  let batch

  class View {
    // Never read: with it the listeners live as long as the view.
    #doc
    #origin
    #batch = batch
    #index

    constructor(doc, origin, index) {
      this.#doc = doc
      this.#origin = origin
      this.#index = index
    }

    static origin(view) {
      return view.#origin
    }

    static turnTo(view) {
      turn(view.#batch.items, view.#index)
    }

    static tryTurnTo(value) {
      const isView = typeof value === 'object' && value !== null && #batch in value
      if (isView) View.turnTo(value)
      return isView
    }
  }

  return {
    /** The class of the views that a native object answers for. */
    define(instance) {
      const ViewClass = class extends View {}
      const { prototype } = ViewClass
      const native = getPrototypeOf(instance)
      const ask = (method) =>
        function (...args) {
          View.turnTo(this)
          return apply(method, instance, args)
        }
      for (const key of ownKeys(native)) {
        const { get, value } = getOwnPropertyDescriptor(native, key)
        if (get) defineProperty(prototype, key, { get: ask(get), configurable: true })
        else if (key !== 'constructor') {
          defineProperty(prototype, key, { value: ask(value), writable: true, configurable: true })
        }
      }
      function origin() {
        return View.origin(this)
      }
      defineProperty(prototype, 'origin', { get: origin, configurable: true })
      // Instances of the native class, for all that anybody can see.
      delete prototype.constructor
      setPrototypeOf(prototype, native)
      return ViewClass
    },

    tryTurnTo: View.tryTurnTo,

    /** Views made from now on show these items. The object returned lives as long as the views do. */
    beginBatch(items) {
      batch = { items }
      return batch
    },

    /** The views alone keep the batch now. */
    endBatch() {
      batch = undefined
    },

    /** The first bytes of the scratch buffer: a small array lies in V8's own heap, which one made by native code never does. */
    copy(length) {
      const bytes = new Uint8Array(length)
      for (let index = 0; index < length; index++) bytes[index] = scratch[index]
      return bytes
    }
  }
})
