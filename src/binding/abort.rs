//! An `AbortSignal` of the caller.

use napi::bindgen_prelude::{
    FnArgs, FromNapiValue, Function, JsObjectValue, Object, Unknown, ValueType,
};
use napi::{Env, JsValue};

use super::error::{Result, to_object};
use super::fields::Fields;
use super::raw::Reference;
use crate::error::{ErrorCode, ProviderError};

/// Adds or removes a listener of a signal.
type ChangeListeners<'env> = Function<'env, FnArgs<(String, Unknown<'env>)>, Unknown<'env>>;

/// The `signal` of an options object.
pub(super) struct AbortSignal<'env>(Object<'env>);

/// A listener on a signal. A signal may live long: it must not collect the listeners of calls that are over.
pub(super) struct AbortListener {
    signal: Reference,
    listener: Reference,
}

impl<'env> AbortSignal<'env> {
    /// The field `signal`. Throws `ERR_INVALID_OPTION` when it is something else.
    pub(super) fn parse(options: &Fields<'env>) -> Result<Option<Self>> {
        const KEY: &str = "signal";
        let Some(value) = options.value(KEY)? else { return Ok(None) };
        let refuse = || options.refuse(KEY, "expected an AbortSignal");
        if value.get_type()? != ValueType::Object {
            return Err(refuse());
        }
        let signal = value.coerce_to_object()?;
        for (name, wanted) in [
            ("aborted", ValueType::Boolean),
            ("addEventListener", ValueType::Function),
            ("removeEventListener", ValueType::Function),
        ] {
            let member: Unknown<'_> = signal.get_named_property_unchecked(name)?;
            if member.get_type()? != wanted {
                return Err(refuse());
            }
        }
        Ok(Some(Self(signal)))
    }

    pub(super) fn is_aborted(&self) -> Result<bool> {
        self.0.get_named_property("aborted")
    }

    /// `ERR_ABORTED`, with the reason of the signal as its cause.
    pub(super) fn error(&self, env: Env) -> Result<Unknown<'env>> {
        let error = ProviderError::new(ErrorCode::Aborted, "the signal was aborted");
        let mut error: Object<'env> = to_object(env, error).coerce_to_object()?;
        let reason: Unknown<'env> = self.0.get_named_property_unchecked("reason")?;
        error.set_named_property("cause", reason)?;
        Ok(error.to_unknown())
    }

    /// Calls back when the signal is aborted, unless the listener is removed before.
    pub(super) fn listen(
        &self,
        env: Env,
        on_abort: impl Fn(Env) + 'static,
    ) -> Result<AbortListener> {
        let function: Function<'_, (), ()> =
            env.create_function_from_closure("abort", move |ctx| {
                on_abort(*ctx.env);
                Ok(())
            })?;
        let listener = AbortListener {
            signal: Reference::strong(env, &self.0)?,
            listener: Reference::strong(env, &function)?,
        };
        change(&self.0, "addEventListener", function.to_unknown())?;
        Ok(listener)
    }
}

impl AbortListener {
    /// Removes the listener. Returns its signal.
    pub(super) fn remove<'env>(self, env: Env) -> Result<Option<AbortSignal<'env>>> {
        let (Some(signal), Some(listener)) = (self.signal.object(), self.listener.value()) else {
            return Ok(None);
        };
        // SAFETY: the reference holds a function of this environment.
        let listener = unsafe { Unknown::from_napi_value(env.raw(), listener) }?;
        change(&signal, "removeEventListener", listener)?;
        Ok(Some(AbortSignal(signal)))
    }
}

fn change<'env>(signal: &Object<'env>, method: &str, listener: Unknown<'env>) -> Result<()> {
    let change: ChangeListeners<'env> = signal.get_named_property(method)?;
    change.apply(*signal, ("abort".to_owned(), listener).into()).map(drop)
}
