//! The way from an XML node to those around it.

macro_rules! neighbour_methods {
    ($class:ident) => {
        #[napi]
        impl $class {
            /// The node behind, `undefined` for the last one. Throws `ERR_PRELIMINARY_TYPE`.
            #[napi(ts_return_type = "YXmlNode | YXmlFragment | undefined")]
            pub fn next_sibling<'env>(
                &self,
                env: &'env Env,
                txn: Option<YTransaction>,
            ) -> Result<Unknown<'env>> {
                self.0.sibling(env, Sibling::Next, txn)
            }

            /// The node before, `undefined` for the first one. Throws `ERR_PRELIMINARY_TYPE`.
            #[napi(ts_return_type = "YXmlNode | YXmlFragment | undefined")]
            pub fn prev_sibling<'env>(
                &self,
                env: &'env Env,
                txn: Option<YTransaction>,
            ) -> Result<Unknown<'env>> {
                self.0.sibling(env, Sibling::Previous, txn)
            }

            /// The node that holds this one, `undefined` if nothing of XML does. Throws `ERR_PRELIMINARY_TYPE`.
            #[napi(ts_return_type = "YXmlElement | YXmlFragment | undefined")]
            pub fn parent<'env>(
                &self,
                env: &'env Env,
                txn: Option<YTransaction>,
            ) -> Result<Unknown<'env>> {
                self.0.xml_parent(env, txn)
            }
        }
    };
}
pub(in crate::binding::types) use neighbour_methods;
