//! `Awareness` and its functions.

use std::rc::Rc;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use napi::bindgen_prelude::{Function, JsObjectValue, Null, Object, This, Uint8Array, Unknown};
use napi::{Env, JsValue, ValueType};
use napi_derive::napi;

use super::awareness_core::AwarenessCore;
use super::doc::YDoc;
use super::doc_core::DocCore;
use crate::binding::error::{OrThrow, Result, throw};
use crate::binding::hidden::Hidden;
use crate::binding::listeners::{Listener, Listeners};
use crate::binding::raw;
use crate::binding::value::{JsMap, undefined};
use crate::error::{ErrorCode, ProviderError};
use crate::session::SharedAwareness;

/// Who is here and what they are doing: a small state per client, not stored, gone when its client is.
///
/// ```js
/// const { awareness } = provider.getDocState('guid')
/// awareness.setLocalState({ user: 'bot' })
/// awareness.on('change', () => console.log(awareness.getStates()))
/// ```
#[napi]
pub struct Awareness {
    pub(in crate::binding) inner: Rc<AwarenessCore>,
}

impl Awareness {
    /// Awareness of a document, with these states.
    pub(in crate::binding) fn new_with(core: &Rc<DocCore>, states: SharedAwareness) -> Self {
        Self { inner: AwarenessCore::new(core, states) }
    }

    /// Gives the JavaScript object its document and its lists of listeners.
    pub(in crate::binding) fn set_wrapper<'env>(
        &self,
        env: Env,
        wrapper: &impl JsValue<'env>,
    ) -> Result<()> {
        self.inner.set_wrapper(env, wrapper)
    }

    fn set(&self, env: Env, state: Option<String>) -> Result<()> {
        let change = self.inner.shared.lock().set_local_state(Instant::now(), state);
        self.inner.relay();
        let local = raw::to_js(env, "local")?;
        self.inner.emit_or_throw(env, &change, local)
    }
}

#[napi]
impl Awareness {
    /// Awareness of a document, with no states.
    #[napi(constructor)]
    pub fn new(env: Env, this: This<'_>, doc: &YDoc) -> Result<Self> {
        let awareness = Self::new_with(&doc.core, doc.core.new_states());
        awareness.set_wrapper(env, &this)?;
        Ok(awareness)
    }

    /// The document.
    #[napi(getter, ts_return_type = "YDoc")]
    pub fn doc<'env>(&self, env: Env, this: This<'env>) -> Result<Unknown<'env>> {
        self.inner.core.thread.hidden.get(env, &this, Hidden::Owner)
    }

    /// Clock and time of the last news of every client: `{ clock, lastUpdated }`, in ms since 1970.
    #[napi(getter, ts_return_type = "Map<number, { clock: number; lastUpdated: number }>")]
    pub fn meta<'env>(&self, env: &'env Env) -> Result<Object<'env>> {
        let meta: Vec<_> =
            self.inner.shared.lock().meta().iter().map(|(client, meta)| (*client, *meta)).collect();
        let mut map = JsMap::new(env)?;
        for (client, meta) in meta {
            let mut entry = Object::new(env)?;
            entry.set("clock", meta.clock)?;
            entry.set("lastUpdated", milliseconds_since_1970(meta.last_updated))?;
            map.set(client as f64, entry)?;
        }
        Ok(map.into_object())
    }

    /// Our own state, `null` if we have none.
    #[napi(ts_return_type = "any")]
    pub fn get_local_state<'env>(&self, env: &'env Env) -> Result<Unknown<'env>> {
        let state = self.inner.shared.lock().local_state().map(ToOwned::to_owned);
        match state {
            Some(json) => parse_json(env, json),
            None => raw::to_js(*env, Null),
        }
    }

    /// Sets our own state; `null` says that we left. Providers send it at once.
    ///
    /// Throws `ERR_UNSUPPORTED_VALUE` when it has no JSON form.
    #[napi(ts_args_type = "state: any")]
    pub fn set_local_state(&self, env: Env, state: Unknown<'_>) -> Result<()> {
        if matches!(state.get_type()?, ValueType::Null | ValueType::Undefined) {
            return self.set(env, None);
        }
        let json = stringify_json(env, state)?;
        self.set(env, Some(json))
    }

    /// Sets one field of our own state; without a state it does nothing, as in y-protocols.
    #[napi(ts_args_type = "key: string, value: any")]
    pub fn set_local_state_field(&self, env: Env, key: String, value: Unknown<'_>) -> Result<()> {
        let state = self.get_local_state(&env)?;
        if state.get_type()? != ValueType::Object {
            return Ok(());
        }
        let mut state = state.coerce_to_object()?;
        state.set_named_property(&key, value)?;
        self.set_local_state(env, state.to_unknown())
    }

    /// The states of all clients that are here, by client id.
    #[napi(ts_return_type = "Map<number, any>")]
    pub fn get_states<'env>(&self, env: &'env Env) -> Result<Object<'env>> {
        let states: Vec<(u64, String)> = self
            .inner
            .shared
            .lock()
            .states()
            .iter()
            .map(|(client, json)| (*client, json.to_string()))
            .collect();
        let mut map = JsMap::new(env)?;
        for (client, json) in states {
            map.set(client as f64, parse_json(env, json)?)?;
        }
        Ok(map.into_object())
    }

    /// Adds a listener. `change` is called when a state is different, `update` also when it was only renewed; both with
    /// the client ids concerned and the origin: `'local'`, the provider, or what was passed.
    #[napi(
        ts_args_type = "event: 'change' | 'update', callback: (changes: { added: number[]; updated: number[]; removed: number[] }, origin: any) => void"
    )]
    pub fn on(
        &self,
        env: Env,
        this: This<'_>,
        event: String,
        callback: Listener<'_>,
    ) -> Result<()> {
        self.listeners(env, &this, &event)?.add(&event, callback, false).map(drop)
    }

    /// Removes a listener. Returns whether it was there.
    #[napi(ts_args_type = "event: 'change' | 'update', callback: (...args: any[]) => void")]
    pub fn off(
        &self,
        env: Env,
        this: This<'_>,
        event: String,
        callback: Listener<'_>,
    ) -> Result<bool> {
        Ok(self.listeners(env, &this, &event)?.remove(&event, callback)?.0)
    }

    /// Gives up our own state and forgets all listeners.
    #[napi]
    pub fn destroy(&self, env: Env, this: This<'_>) -> Result<()> {
        self.set(env, None)?;
        self.listeners(env, &this, "change")?.clear()
    }

    /// Does nothing; awareness need not be freed.
    #[napi]
    pub fn free(&self) {}

    fn listeners<'env>(&self, env: Env, this: &This<'env>, event: &str) -> Result<Listeners<'env>> {
        let lists = self.inner.core.thread.hidden.get_object(env, this, Hidden::Listeners)?;
        match (event, lists) {
            ("change" | "update", Some(lists)) => Ok(Listeners::new(env, lists)),
            _ => Err(throw(
                env,
                ProviderError::new(
                    ErrorCode::InvalidArgument,
                    format!("event: an Awareness has no event '{event}'"),
                ),
            )),
        }
    }
}

/// Encodes the states of these clients, of all that are known without a list.
#[napi]
pub fn encode_awareness_update(awareness: &Awareness, clients: Option<Vec<f64>>) -> Uint8Array {
    let states = awareness.inner.shared.lock();
    let clients: Vec<u64> = match clients {
        Some(clients) => clients.into_iter().map(|it| it as u64).collect(),
        None => states.states().keys().copied().collect(),
    };
    Uint8Array::from(states.encode(&clients))
}

/// Applies an awareness update; listeners get the origin.
///
/// Throws `ERR_INVALID_UPDATE` when the bytes are none.
#[napi(ts_args_type = "awareness: Awareness, update: Uint8Array, origin?: any")]
pub fn apply_awareness_update(
    env: Env,
    awareness: &Awareness,
    update: Uint8Array,
    origin: Option<Unknown<'_>>,
) -> Result<()> {
    let change = awareness.inner.shared.lock().apply(Instant::now(), &update).map_err(|error| {
        ProviderError::new(ErrorCode::InvalidUpdate, format!("not an awareness update: {error}"))
    });
    let change = change.or_throw(env)?;
    let origin = match origin {
        Some(origin) => origin,
        None => undefined(&env)?,
    };
    awareness.inner.emit_or_throw(env, &change, origin)
}

fn milliseconds_since_1970(at: Instant) -> f64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    (now.saturating_sub(at.elapsed()).as_millis()) as f64
}

pub(super) fn parse_json(env: &Env, text: String) -> Result<Unknown<'_>> {
    let json: Object<'_> = env.get_global()?.get_named_property_unchecked("JSON")?;
    let parse: Function<'_, String, Unknown<'_>> = json.get_named_property("parse")?;
    parse.call(text)
}

pub(super) fn stringify_json(env: Env, value: Unknown<'_>) -> Result<String> {
    let json: Object<'_> = env.get_global()?.get_named_property_unchecked("JSON")?;
    let stringify: Function<'_, Unknown<'_>, Unknown<'_>> = json.get_named_property("stringify")?;
    let text = stringify.call(value)?;
    if text.get_type()? == ValueType::String {
        return text.coerce_to_string()?.into_utf8()?.into_owned();
    }
    Err(throw(env, ProviderError::new(ErrorCode::UnsupportedValue, "state: has no JSON form")))
}
