//! What every shared type does, wherever it is.

macro_rules! shared_type_methods {
    ($class:ident, $kind:literal, $observer:tt) => {
        #[napi]
        impl $class {
            /// Kind of the shared type, the number that stands for it in updates.
            #[napi(getter, js_name = "type")]
            pub fn kind(&self) -> u32 {
                $kind
            }

            /// Logical id, the same on all replicas. Throws `ERR_PRELIMINARY_TYPE` for a preliminary type.
            #[napi(getter, ts_return_type = "YTypeId")]
            pub fn id<'env>(&self, env: &'env Env) -> Result<Object<'env>> {
                self.0.id(env)
            }

            /// Whether the type is not part of a document yet.
            #[napi(getter)]
            pub fn prelim(&self) -> bool {
                self.0.is_preliminary()
            }

            /// The document, `undefined` for a preliminary type.
            #[napi(getter, ts_return_type = "YDoc")]
            pub fn doc<'env>(&self, env: Env, this: This<'env>) -> Result<Unknown<'env>> {
                self.0.doc(env, &this)
            }

            /// Whether the type is part of a document and not deleted.
            #[napi]
            pub fn alive(&self, env: Env, txn: Option<YTransaction>) -> Result<bool> {
                self.0.is_alive(env, txn)
            }

            /// Calls a function at every change of this type, when its transaction is committed.
            #[napi(ts_args_type = $observer)]
            pub fn observe(&self, env: Env, callback: Listener<'_>) -> Result<()> {
                self.0.observe(env, callback, false)
            }

            /// Stops calling a function that was passed to `observe`. Returns whether it was.
            #[napi(ts_args_type = $observer)]
            pub fn unobserve(&self, env: Env, callback: Listener<'_>) -> Result<bool> {
                self.0.unobserve(env, callback, false)
            }

            /// Calls a function at every change of this type or of types inside of it.
            #[napi(ts_args_type = "callback: (events: Array<YEvent>, txn: YTransaction) => void")]
            pub fn observe_deep(&self, env: Env, callback: Listener<'_>) -> Result<()> {
                self.0.observe(env, callback, true)
            }

            /// Stops calling a function that was passed to `observeDeep`. Returns whether it was.
            #[napi(ts_args_type = "callback: (events: Array<YEvent>, txn: YTransaction) => void")]
            pub fn unobserve_deep(&self, env: Env, callback: Listener<'_>) -> Result<bool> {
                self.0.unobserve(env, callback, true)
            }

            /// Does nothing; shared types need not be freed.
            #[napi]
            pub fn free(&self) {}
        }
    };
}
pub(in crate::binding::types) use shared_type_methods;
