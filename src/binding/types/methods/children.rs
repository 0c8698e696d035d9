//! How XML nodes are put into others.

macro_rules! children_methods {
    ($class:ident) => {
        #[napi]
        impl $class {
            /// Number of children.
            #[napi]
            pub fn length(&self, env: Env, txn: Option<YTransaction>) -> Result<u32> {
                self.0.child_count(env, txn)
            }

            /// Inserts a preliminary element or text at an index.
            ///
            /// Throws `ERR_OUT_OF_RANGE` past the end, `ERR_UNSUPPORTED_VALUE` for anything else, `ERR_INTEGRATED_TYPE`.
            #[napi(ts_args_type = "index: number, xmlNode: YXmlNode, txn?: YTransaction")]
            pub fn insert(
                &self,
                env: Env,
                index: f64,
                xml_node: Unknown<'_>,
                txn: Option<YTransaction>,
            ) -> Result<()> {
                self.0.insert_child(env, Some(index), xml_node, txn)
            }

            /// Appends a preliminary element or text.
            #[napi(ts_args_type = "xmlNode: YXmlNode, txn?: YTransaction")]
            pub fn push(
                &self,
                env: Env,
                xml_node: Unknown<'_>,
                txn: Option<YTransaction>,
            ) -> Result<()> {
                self.0.insert_child(env, None, xml_node, txn)
            }

            /// Removes `length` children (one by default). Throws `ERR_OUT_OF_RANGE` past the end.
            #[napi]
            pub fn delete(
                &self,
                env: Env,
                index: f64,
                length: Option<f64>,
                txn: Option<YTransaction>,
            ) -> Result<()> {
                self.0.delete_children(env, index, length, txn)
            }

            /// The first child, `undefined` if there is none.
            #[napi(ts_return_type = "YXmlNode | YXmlFragment | undefined")]
            pub fn first_child<'env>(
                &self,
                env: &'env Env,
                txn: Option<YTransaction>,
            ) -> Result<Unknown<'env>> {
                self.0.first_child(env, txn)
            }

            /// All nodes below this one, depth first. Throws `ERR_PRELIMINARY_TYPE`.
            #[napi(ts_return_type = "Array<YXmlNode | YXmlFragment>")]
            pub fn tree_walker<'env>(
                &self,
                env: &'env Env,
                txn: Option<YTransaction>,
            ) -> Result<Array<'env>> {
                self.0.tree_walker(env, txn)
            }
        }
    };
}
pub(in crate::binding::types) use children_methods;
