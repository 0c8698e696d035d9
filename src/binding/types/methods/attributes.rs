//! Attributes of XML nodes.

macro_rules! attribute_methods {
    ($class:ident) => {
        #[napi]
        impl $class {
            /// Sets an attribute, to a value of any kind. Throws `ERR_UNSUPPORTED_VALUE` before anything is changed.
            #[napi(ts_args_type = "name: string, value: YInput, txn?: YTransaction")]
            pub fn set_attribute(
                &self,
                env: Env,
                name: String,
                value: Unknown<'_>,
                txn: Option<YTransaction>,
            ) -> Result<()> {
                self.0.set_attribute(env, name, value, txn)
            }

            /// Value of an attribute, `undefined` if there is none.
            #[napi(ts_return_type = "any")]
            pub fn get_attribute<'env>(
                &self,
                env: &'env Env,
                name: String,
                txn: Option<YTransaction>,
            ) -> Result<Unknown<'env>> {
                self.0.attribute(env, &name, txn)
            }

            /// Removes an attribute; one that is not there is no error.
            #[napi]
            pub fn remove_attribute(
                &self,
                env: Env,
                name: String,
                txn: Option<YTransaction>,
            ) -> Result<()> {
                self.0.remove_attribute(env, &name, txn)
            }

            /// All attributes as an object.
            #[napi(ts_return_type = "Record<string, any>")]
            pub fn attributes<'env>(
                &self,
                env: &'env Env,
                txn: Option<YTransaction>,
            ) -> Result<Object<'env>> {
                self.0.attributes(env, txn)
            }
        }
    };
}
pub(in crate::binding::types) use attribute_methods;
