//! The few Node-API calls that napi-rs offers no fitting form of: listeners and methods that may throw anything, errors of
//! listeners nobody called, handle scopes.

use std::ptr;

use napi::bindgen_prelude::{Array, FromNapiValue, JsObjectValue, Object, ToNapiValue, Unknown};
use napi::{Env, JsValue, Status, sys};

use super::error::Result;
pub(super) use super::reference::Reference;

/// A value that JavaScript code threw, valid in the current handle scope.
#[derive(Clone, Copy)]
pub(super) struct Thrown(pub(super) sys::napi_value);

/// Calls a function. Unlike napi-rs, hands out the very value that was thrown.
pub(super) fn call(
    env: Env,
    function: sys::napi_value,
    args: &[sys::napi_value],
) -> std::result::Result<sys::napi_value, Thrown> {
    let (mut this, mut result) = (ptr::null_mut(), ptr::null_mut());
    // SAFETY: all values belong to this environment and to an open handle scope; out-pointers are valid.
    unsafe {
        sys::napi_get_undefined(env.raw(), &raw mut this);
        let status = sys::napi_call_function(
            env.raw(),
            this,
            function,
            args.len(),
            args.as_ptr(),
            &raw mut result,
        );
        if status == sys::Status::napi_ok { Ok(result) } else { Err(thrown(env)) }
    }
}

/// What the call that failed just now has thrown; `undefined` if it failed for another reason.
fn thrown(env: Env) -> Thrown {
    let mut value = ptr::null_mut();
    // SAFETY: the out-pointer is valid.
    unsafe {
        let status = sys::napi_get_and_clear_last_exception(env.raw(), &raw mut value);
        if status != sys::Status::napi_ok {
            sys::napi_get_undefined(env.raw(), &raw mut value);
        }
    }
    Thrown(value)
}

/// `new class(...args)`
pub(super) fn construct(
    env: Env,
    class: sys::napi_value,
    args: &[sys::napi_value],
) -> std::result::Result<sys::napi_value, Thrown> {
    let mut result = ptr::null_mut();
    // SAFETY: all values belong to this environment and to an open handle scope; out-pointers are valid.
    let status = unsafe {
        sys::napi_new_instance(env.raw(), class, args.len(), args.as_ptr(), &raw mut result)
    };
    if status == sys::Status::napi_ok { Ok(result) } else { Err(thrown(env)) }
}

/// `Promise.resolve(value).then(resolved, rejected)`: the value may be a promise or not.
pub(super) fn when_settled(
    env: Env,
    value: sys::napi_value,
    resolved: sys::napi_value,
    rejected: sys::napi_value,
) -> std::result::Result<(), Thrown> {
    let (mut deferred, mut promise) = (ptr::null_mut(), ptr::null_mut());
    // SAFETY: all values belong to this environment and to an open handle scope; out-pointers are valid; the promise is
    // settled once.
    unsafe {
        if sys::napi_create_promise(env.raw(), &raw mut deferred, &raw mut promise)
            != sys::Status::napi_ok
        {
            return Ok(());
        }
        sys::napi_resolve_deferred(env.raw(), deferred, value);
        let (mut then, mut result, mut thrown) =
            (ptr::null_mut(), ptr::null_mut(), ptr::null_mut());
        sys::napi_get_named_property(env.raw(), promise, c"then".as_ptr(), &raw mut then);
        let args = [resolved, rejected];
        let status = sys::napi_call_function(
            env.raw(),
            promise,
            then,
            args.len(),
            args.as_ptr(),
            &raw mut result,
        );
        if status != sys::Status::napi_ok
            && sys::napi_get_and_clear_last_exception(env.raw(), &raw mut thrown)
                == sys::Status::napi_ok
        {
            return Err(Thrown(thrown));
        }
        Ok(())
    }
}

/// Calls a method. What it throws stays the pending exception, as after [`throw`].
pub(super) fn call_method<'env>(
    env: Env,
    object: &Object<'env>,
    name: &str,
    args: &[sys::napi_value],
) -> Result<Unknown<'env>> {
    let method: Unknown<'env> = object.get_named_property_unchecked(name)?;
    let mut result = ptr::null_mut();
    // SAFETY: all values belong to this environment and to an open handle scope; the out-pointer is valid.
    unsafe {
        check(sys::napi_call_function(
            env.raw(),
            object.raw(),
            method.raw(),
            args.len(),
            args.as_ptr(),
            &raw mut result,
        ))?;
        Ok(Unknown::from_raw_unchecked(env.raw(), result))
    }
}

/// Takes what was thrown, for callers that JavaScript did not call. Without one it failed as things do while the
/// environment goes away.
pub(super) fn caught<T>(env: Env, result: Result<T>) -> std::result::Result<T, Option<Thrown>> {
    result.map_err(|_| {
        let (mut is_pending, mut thrown) = (false, ptr::null_mut());
        // SAFETY: out-pointers are valid.
        unsafe {
            sys::napi_is_exception_pending(env.raw(), &raw mut is_pending);
            let is_taken = is_pending
                && sys::napi_get_and_clear_last_exception(env.raw(), &raw mut thrown)
                    == sys::Status::napi_ok;
            is_taken.then_some(Thrown(thrown))
        }
    })
}

/// `object instanceof class`.
pub(super) fn is_instance_of(env: Env, object: &Object<'_>, class: &Unknown<'_>) -> Result<bool> {
    let mut is_instance = false;
    // SAFETY: both belong to this environment; the out-pointer is valid.
    check(unsafe {
        sys::napi_instanceof(env.raw(), object.raw(), class.raw(), &raw mut is_instance)
    })?;
    Ok(is_instance)
}

/// Makes a value the pending exception; the error returned tells napi-rs so.
pub(super) fn throw(env: Env, thrown: Thrown) -> napi::Error {
    // SAFETY: the value belongs to this environment and to an open handle scope.
    unsafe { sys::napi_throw(env.raw(), thrown.0) };
    napi::Error::from_status(Status::PendingException)
}

/// Hands a value that nobody can catch to `process.on('uncaughtException')`.
pub(super) fn report_uncaught(env: Env, thrown: Thrown) {
    // SAFETY: the value belongs to this environment and to an open handle scope.
    unsafe { sys::napi_fatal_exception(env.raw(), thrown.0) };
}

/// Sets a property. Unlike napi-rs takes any key: one with a NUL, and `__proto__`, which must not set the prototype.
pub(super) fn set_key<'a, 'b>(
    env: Env,
    object: &impl JsValue<'a>,
    key: &str,
    value: &impl JsValue<'b>,
) -> Result<()> {
    let name = env.create_string(key)?.raw();
    if key != "__proto__" {
        // SAFETY: all values belong to this environment.
        return check(unsafe {
            sys::napi_set_property(env.raw(), object.raw(), name, value.raw())
        });
    }
    let descriptor = sys::napi_property_descriptor {
        utf8name: ptr::null(),
        name,
        method: None,
        getter: None,
        setter: None,
        value: value.raw(),
        attributes: sys::PropertyAttributes::writable
            | sys::PropertyAttributes::enumerable
            | sys::PropertyAttributes::configurable,
        data: ptr::null_mut(),
    };
    // SAFETY: object and value belong to this environment; one descriptor is passed.
    check(unsafe { sys::napi_define_properties(env.raw(), object.raw(), 1, &raw const descriptor) })
}

/// The enumerable properties of an object itself, as `Object.entries` gives them.
pub(super) fn own_entries<'env>(
    env: Env,
    object: &Object<'env>,
) -> Result<Vec<(String, Unknown<'env>)>> {
    let mut names = ptr::null_mut();
    // SAFETY: the object belongs to this environment; the out-pointer is valid.
    let names = unsafe {
        check(sys::napi_get_all_property_names(
            env.raw(),
            object.raw(),
            sys::KeyCollectionMode::own_only,
            sys::KeyFilter::enumerable | sys::KeyFilter::skip_symbols,
            sys::KeyConversion::numbers_to_strings,
            &raw mut names,
        ))?;
        Array::from_napi_value(env.raw(), names)?
    };
    let entry = |index| {
        let name: Unknown<'env> = names.get_element(index)?;
        let mut value = ptr::null_mut();
        // SAFETY: name and object belong to this environment; names of properties are strings.
        unsafe {
            check(sys::napi_get_property(env.raw(), object.raw(), name.raw(), &raw mut value))?;
            Ok((
                String::from_napi_value(env.raw(), name.raw())?,
                Unknown::from_napi_value(env.raw(), value)?,
            ))
        }
    };
    (0..names.len()).map(entry).collect()
}

/// Values made while it lives are freed with it.
pub(super) struct HandleScope {
    env: Env,
    scope: sys::napi_handle_scope,
}

impl HandleScope {
    pub(super) fn open(env: Env) -> Self {
        let mut scope = ptr::null_mut();
        // SAFETY: closed by drop, in reverse order of opening.
        unsafe { sys::napi_open_handle_scope(env.raw(), &raw mut scope) };
        Self { env, scope }
    }
}

impl Drop for HandleScope {
    fn drop(&mut self) {
        // SAFETY: opened by `open`.
        unsafe { sys::napi_close_handle_scope(self.env.raw(), self.scope) };
    }
}

/// Any convertible value as JavaScript sees it.
pub(super) fn to_js<'env, T: ToNapiValue>(env: Env, value: T) -> Result<Unknown<'env>> {
    // SAFETY: the value is made in this environment.
    unsafe {
        let raw = T::to_napi_value(env.raw(), value)?;
        Ok(Unknown::from_raw_unchecked(env.raw(), raw))
    }
}

/// A status as a result.
pub(super) fn check(status: sys::napi_status) -> Result<()> {
    if status == sys::Status::napi_ok {
        Ok(())
    } else {
        Err(napi::Error::from_status(Status::from(status)))
    }
}
