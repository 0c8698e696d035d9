//! How texts are read and edited.

macro_rules! text_methods {
    ($class:ident) => {
        #[napi]
        impl $class {
            /// Length in UTF-16 units; an embed counts one.
            #[napi]
            pub fn length(&self, env: Env, txn: Option<YTransaction>) -> Result<u32> {
                self.0.text_length(env, txn)
            }

            /// Inserts text at an index, with attributes if given, else with those of the text on its left.
            ///
            /// Throws `ERR_OUT_OF_RANGE` past the end, `ERR_TRANSACTION_CLOSED`, `ERR_DELETED_TYPE`.
            #[napi(
                ts_args_type = "index: number, chunk: string, attributes?: YAttributes | null, txn?: YTransaction"
            )]
            pub fn insert(
                &self,
                env: Env,
                index: f64,
                chunk: String,
                attributes: Option<Unknown<'_>>,
                txn: Option<YTransaction>,
            ) -> Result<()> {
                self.0.insert_text(env, index, &chunk, attributes, txn)
            }

            /// Inserts an object, an image say, or a preliminary shared type. It counts one unit.
            ///
            /// Throws `ERR_OUT_OF_RANGE` past the end, `ERR_UNSUPPORTED_VALUE`, `ERR_PRELIMINARY_TYPE`.
            #[napi(
                ts_args_type = "index: number, embed: YInput, attributes?: YAttributes | null, txn?: YTransaction"
            )]
            pub fn insert_embed(
                &self,
                env: Env,
                index: f64,
                embed: Unknown<'_>,
                attributes: Option<Unknown<'_>>,
                txn: Option<YTransaction>,
            ) -> Result<()> {
                self.0.insert_embed(env, index, embed, attributes, txn)
            }

            /// Sets attributes of a range; `null` removes one.
            ///
            /// Throws `ERR_OUT_OF_RANGE` past the end, `ERR_PRELIMINARY_TYPE`.
            #[napi(
                ts_args_type = "index: number, length: number, attributes: YAttributes, txn?: YTransaction"
            )]
            pub fn format(
                &self,
                env: Env,
                index: f64,
                length: f64,
                attributes: Unknown<'_>,
                txn: Option<YTransaction>,
            ) -> Result<()> {
                self.0.format_text(env, index, length, attributes, txn)
            }

            /// Appends text.
            #[napi(ts_args_type = "chunk: string, attributes?: YAttributes | null, txn?: YTransaction")]
            pub fn push(
                &self,
                env: Env,
                chunk: String,
                attributes: Option<Unknown<'_>>,
                txn: Option<YTransaction>,
            ) -> Result<()> {
                self.0.push_text(env, &chunk, attributes, txn)
            }

            /// Removes a range. Throws `ERR_OUT_OF_RANGE` past the end.
            #[napi]
            pub fn delete(
                &self,
                env: Env,
                index: f64,
                length: f64,
                txn: Option<YTransaction>,
            ) -> Result<()> {
                self.0.delete_text(env, index, length, txn)
            }

            /// Applies a Quill delta, from left to right. Embeds may be preliminary shared types.
            ///
            /// Nothing is changed unless the whole delta is right: throws `ERR_OUT_OF_RANGE` when it reaches past the end,
            /// `ERR_INVALID_ARGUMENT`, `ERR_UNSUPPORTED_VALUE`, `ERR_PRELIMINARY_TYPE`.
            #[napi(ts_args_type = "delta: Array<YTextStep>, txn?: YTransaction")]
            pub fn apply_delta(
                &self,
                env: Env,
                delta: Array<'_>,
                txn: Option<YTransaction>,
            ) -> Result<()> {
                self.0.apply_delta(env, &delta, txn)
            }

            /// The text as a Quill delta: `{insert, attributes?}` per run. Throws `ERR_PRELIMINARY_TYPE`.
            ///
            /// With a snapshot: as it was then. With a previous one, too: what came in or went away in between is marked by the
            /// attribute `ychange`, which is what `computeYChange` returns, `{type: 'added' | 'removed'}` without it.
            #[napi(
                ts_args_type = "snapshot?: YSnapshot | null, prevSnapshot?: YSnapshot | null, computeYChange?: YComputeChange | null, txn?: YTransaction",
                ts_return_type = "Array<YTextInsert>"
            )]
            pub fn to_delta<'env>(
                &self,
                env: &'env Env,
                snapshot: Option<Unknown<'env>>,
                prev_snapshot: Option<Unknown<'env>>,
                compute_ychange: Option<ComputeChange<'env>>,
                txn: Option<YTransaction>,
            ) -> Result<Array<'env>> {
                self.0.to_delta(env, [snapshot, prev_snapshot], compute_ychange, txn)
            }
        }
    };
}
pub(in crate::binding::types) use text_methods;
