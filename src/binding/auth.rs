//! The `auth` of a connection attempt: fixed, or made by functions of the user at every attempt.

use std::cell::{OnceCell, RefCell};
use std::rc::Rc;

use napi::bindgen_prelude::{Function, JsObjectValue, Object, Unknown};
use napi::{Env, JsValue, ValueType};

use super::error::Result;
use super::fields::Fields;
use super::raw::{self, Thrown};
use crate::error::{ErrorCode, ProviderError};
use crate::net::AuthAnswer;

/// What goes into the `auth` of the handshake.
#[derive(Default)]
pub(super) struct Auth {
    /// JSON text of `socketOptions.auth`, unless it is a function.
    object: Option<String>,
    /// The token, unless it is a function.
    token: Option<String>,
}

/// The functions among the options, to be kept by the provider object: they may refer to it.
pub(super) struct AuthFunctions<'env> {
    pub(super) object: Object<'env>,
    pub(super) is_empty: bool,
}

impl Auth {
    pub(super) fn parse<'env>(
        env: &'env Env,
        options: &Fields<'env>,
        socket: Option<&Fields<'env>>,
    ) -> Result<(Self, AuthFunctions<'env>)> {
        let mut auth = Self::default();
        let mut functions = AuthFunctions { object: Object::new(env)?, is_empty: true };
        if let Some(token) = options.function("token")? {
            functions.add("token", token)?;
        } else {
            auth.token = options.string_or("token", "expected a string or a function")?;
        }
        if let Some(socket) = socket {
            if let Some(function) = socket.function("auth")? {
                functions.add("auth", function)?;
            } else if let Some(object) = socket.object("auth")? {
                auth.object = stringify(*env, object.to_unknown())
                    .map_err(|thrown| raw::throw(*env, thrown))?;
            }
        }
        Ok((auth, functions))
    }

    /// The JSON text for CONNECT, if no function has a say in it.
    pub(super) fn to_json(&self) -> Option<String> {
        with_token(self.object.clone(), self.token.as_deref())
    }

    /// Calls the functions for one attempt.
    pub(super) fn answer(&self, env: Env, functions: &Object<'_>, answer: AuthAnswer) {
        let attempt = Rc::new(Attempt {
            answer: RefCell::new(Some(answer)),
            object: OnceCell::new(),
            token: OnceCell::new(),
        });
        if let Err(error) = self.ask(env, functions, &attempt) {
            attempt.fail(error.to_string());
        }
    }

    fn ask(&self, env: Env, functions: &Object<'_>, attempt: &Rc<Attempt>) -> Result<()> {
        let make_auth: Unknown<'_> = functions.get_named_property_unchecked("auth")?;
        if make_auth.get_type()? == ValueType::Function {
            let take = callback(env, attempt, Attempt::take_object)?;
            if let Err(thrown) = raw::call(env, make_auth.raw(), &[take.raw()]) {
                attempt.fail(format!("auth: {}", describe(env, thrown)));
            }
        } else {
            attempt.set(&attempt.object, self.object.clone());
        }
        let make_token: Unknown<'_> = functions.get_named_property_unchecked("token")?;
        if make_token.get_type()? == ValueType::Function {
            let promised = raw::call(env, make_token.raw(), &[]).and_then(|value| {
                let take = callback(env, attempt, Attempt::take_token);
                let fail = callback(env, attempt, |attempt, env, reason| {
                    attempt.fail(format!("token: {}", describe(env, Thrown(reason.raw()))));
                });
                // Only while the environment goes away can there be no function.
                match (take, fail) {
                    (Ok(take), Ok(fail)) => raw::when_settled(env, value, take.raw(), fail.raw()),
                    _ => Ok(()),
                }
            });
            if let Err(thrown) = promised {
                attempt.fail(format!("token: {}", describe(env, thrown)));
            }
        } else {
            attempt.set(&attempt.token, self.token.clone());
        }
        Ok(())
    }
}

impl<'env> AuthFunctions<'env> {
    fn add(&mut self, name: &str, function: Unknown<'env>) -> Result<()> {
        self.is_empty = false;
        self.object.set_named_property(name, function)
    }
}

/// One attempt that waits for its auth: answered once, when both parts are there.
struct Attempt {
    answer: RefCell<Option<AuthAnswer>>,
    object: OnceCell<Option<String>>,
    token: OnceCell<Option<String>>,
}

impl Attempt {
    fn take_object(&self, env: Env, value: Unknown<'_>) {
        match value.get_type() {
            Ok(ValueType::Object) => match stringify(env, value) {
                Ok(json) => self.set(&self.object, json),
                Err(thrown) => self.fail(format!("auth: {}", describe(env, thrown))),
            },
            Ok(ValueType::Undefined | ValueType::Null) => self.set(&self.object, None),
            _ => self.fail("auth: expected an object".to_owned()),
        }
    }

    fn take_token(&self, _env: Env, value: Unknown<'_>) {
        match value.get_type() {
            Ok(ValueType::String) => self.set(&self.token, text(value)),
            Ok(ValueType::Undefined | ValueType::Null) => self.set(&self.token, None),
            _ => self.fail("token: expected a string".to_owned()),
        }
    }

    fn set(&self, part: &OnceCell<Option<String>>, value: Option<String>) {
        // Only the first call of a callback counts.
        part.set(value).ok();
        if let (Some(object), Some(token)) = (self.object.get(), self.token.get())
            && let Some(answer) = self.answer.take()
        {
            answer.give(Ok(with_token(object.clone(), token.as_deref())));
        }
    }

    fn fail(&self, message: String) {
        if let Some(answer) = self.answer.take() {
            answer.give(Err(ProviderError::new(ErrorCode::Connection, message)));
        }
    }
}

/// A function that hands its first argument to the attempt.
fn callback<'env>(
    env: Env,
    attempt: &Rc<Attempt>,
    handle: impl Fn(&Attempt, Env, Unknown<'_>) + 'static,
) -> Result<Unknown<'env>> {
    let attempt = Rc::clone(attempt);
    let function: Function<'_, (), ()> =
        env.create_function_from_closure("setAuth", move |context| {
            // Without an argument there is nothing to set.
            match context.get::<Unknown<'_>>(0) {
                Ok(value) => handle(&attempt, *context.env, value),
                Err(_) => attempt.fail("auth: expected an object".to_owned()),
            }
            Ok(())
        })?;
    // SAFETY: the function was made in this environment.
    Ok(unsafe { Unknown::from_raw_unchecked(env.raw(), function.raw()) })
}

/// What `JSON.stringify` makes of a value.
fn stringify(env: Env, value: Unknown<'_>) -> std::result::Result<Option<String>, Thrown> {
    let function = || -> Result<Unknown<'_>> {
        let json: Object<'_> = env.get_global()?.get_named_property_unchecked("JSON")?;
        json.get_named_property_unchecked("stringify")
    };
    let Ok(function) = function() else { return Ok(None) };
    let json = raw::call(env, function.raw(), &[value.raw()])?;
    // SAFETY: the value belongs to this environment.
    Ok(text(unsafe { Unknown::from_raw_unchecked(env.raw(), json) }))
}

/// What `String` makes of a value that was thrown.
fn describe(env: Env, Thrown(thrown): Thrown) -> String {
    let described = || -> Option<String> {
        let function: Unknown<'_> =
            env.get_global().ok()?.get_named_property_unchecked("String").ok()?;
        let string = raw::call(env, function.raw(), &[thrown]).ok()?;
        // SAFETY: the value belongs to this environment.
        text(unsafe { Unknown::from_raw_unchecked(env.raw(), string) })
    };
    described().unwrap_or_else(|| "it failed".to_owned())
}

/// The text of a string, `None` of anything else.
fn text(value: Unknown<'_>) -> Option<String> {
    let is_string = matches!(value.get_type(), Ok(ValueType::String));
    is_string.then(|| value.coerce_to_string().ok()?.into_utf8().ok()?.into_owned().ok()).flatten()
}

/// The `auth` object with the token in it.
fn with_token(auth: Option<String>, token: Option<&str>) -> Option<String> {
    let Some(token) = token else { return auth };
    let parsed = auth.and_then(|it| serde_json::from_str::<serde_json::Map<_, _>>(&it).ok());
    let mut auth = parsed.unwrap_or_default();
    auth.insert("token".to_owned(), serde_json::Value::String(token.to_owned()));
    Some(serde_json::Value::Object(auth).to_string())
}
