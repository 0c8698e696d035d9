//! Links to ranges.

macro_rules! quote_methods {
    ($class:ident) => {
        #[napi]
        impl $class {
            /// A link to a range, to be inserted somewhere. It goes on to mean what stands between its ends, whatever is
            /// inserted there. An end that is left out is that of the whole; an open end does not belong to the range.
            ///
            /// Throws `ERR_OUT_OF_RANGE`: both ends must be elements. `ERR_PRELIMINARY_TYPE`.
            #[napi(
                ts_args_type = "lower?: number | null, upper?: number | null, lowerOpen?: boolean, upperOpen?: boolean, txn?: YTransaction",
                ts_return_type = "YWeakLink"
            )]
            pub fn quote<'env>(
                &self,
                env: &'env Env,
                lower: Option<f64>,
                upper: Option<f64>,
                lower_open: Option<bool>,
                upper_open: Option<bool>,
                txn: Option<YTransaction>,
            ) -> Result<Unknown<'env>> {
                self.0.quote(env, (lower, lower_open), (upper, upper_open), txn)
            }
        }
    };
}
pub(in crate::binding::types) use quote_methods;
