//! Calls that wait for the session: what ends them, and who is told.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::time::Duration;

use napi::Env;
use napi::bindgen_prelude::{PromiseRaw, Unknown};

use super::abort::{AbortListener, AbortSignal};
use super::deferred::Deferred;
use super::error::Result;
use super::fields::Fields;
use super::options::milliseconds;
use super::provider_core::ProviderCore;
use crate::error::ProviderError;

/// How long a call waits unless it says otherwise.
const TIMEOUT: Duration = Duration::from_secs(30);

/// What a call waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CallKind {
    Flush,
    /// As `Flush`; then the provider is destroyed, however it ended.
    LastFlush,
    WhenSynced,
}

/// Options of a call.
pub(super) struct CallOptions<'env> {
    pub(super) timeout: Duration,
    pub(super) signal: Option<AbortSignal<'env>>,
}

impl<'env> CallOptions<'env> {
    /// Throws `ERR_INVALID_OPTION`.
    pub(super) fn parse(env: Env, options: Option<Unknown<'env>>) -> Result<Self> {
        let Some(options) = options else { return Ok(Self { timeout: TIMEOUT, signal: None }) };
        let options = Fields::new(env, "options", options)?;
        let timeout = options.number("timeout")?.map_or(TIMEOUT, milliseconds);
        Ok(Self { timeout, signal: AbortSignal::parse(&options)? })
    }

    /// Options of `destroy`: how long it may flush before, if at all. Throws `ERR_INVALID_OPTION`.
    pub(super) fn last_flush(env: Env, options: Option<Unknown<'env>>) -> Result<Option<Self>> {
        let Some(options) = options else { return Ok(None) };
        let timeout = Fields::new(env, "options", options)?.number("flush")?.map(milliseconds);
        Ok(timeout.map(|timeout| Self { timeout, signal: None }))
    }
}

/// The calls of one provider that have not ended.
#[derive(Default)]
pub(super) struct Calls {
    pending: RefCell<HashMap<u64, Call>>,
}

struct Call {
    kind: CallKind,
    deferred: Deferred,
    abort: Option<AbortListener>,
}

impl Calls {
    pub(super) fn add(
        &self,
        id: u64,
        kind: CallKind,
        deferred: Deferred,
        abort: Option<AbortListener>,
    ) {
        self.pending.borrow_mut().insert(id, Call { kind, deferred, abort });
    }

    pub(super) fn is_empty(&self) -> bool {
        self.pending.borrow().is_empty()
    }

    /// The call has ended. Returns what it waited for, unless it was aborted before.
    pub(super) fn settle(
        &self,
        env: Env,
        id: u64,
        result: std::result::Result<(), ProviderError>,
    ) -> Option<CallKind> {
        let call = self.pending.borrow_mut().remove(&id);
        let Call { kind, deferred, abort } = call?;
        // Whatever a signal of the user's own making throws: the call has ended.
        abort.map(|it| it.remove(env).ok());
        deferred.settle(env, result);
        Some(kind)
    }

    /// All calls have ended, for the same reason.
    pub(super) fn fail_all(&self, env: Env, error: &ProviderError) {
        let mut ids: Vec<u64> = self.pending.borrow().keys().copied().collect();
        ids.sort_unstable();
        for id in ids {
            self.settle(env, id, Err(error.clone()));
        }
    }

    /// The signal of the call was aborted. Returns what it waited for, unless it had ended.
    pub(super) fn abort(&self, env: Env, id: u64) -> Result<Option<CallKind>> {
        let call = self.pending.borrow_mut().remove(&id);
        let Some(Call { kind, deferred, abort: Some(abort) }) = call else { return Ok(None) };
        if let Some(signal) = abort.remove(env)? {
            deferred.reject(env, &signal.error(env)?);
        }
        Ok(Some(kind))
    }

    /// The environment goes away: nobody waits any more, and references must go before it does.
    pub(super) fn abandon(&self) {
        self.pending.take();
    }
}

impl ProviderCore {
    /// Makes the promise of a call, and starts it: `start` gets its id and timeout. Until it ends, the provider lives.
    pub(super) fn call<'env>(
        self: &Rc<Self>,
        env: &'env Env,
        kind: CallKind,
        options: &CallOptions<'env>,
        start: impl FnOnce(u64, Duration) -> std::result::Result<(), ProviderError>,
    ) -> Result<PromiseRaw<'env, ()>> {
        let (deferred, promise) = Deferred::new(env)?;
        if let Err(error) = self.check_alive() {
            deferred.settle::<()>(*env, Err(error));
            return Ok(promise);
        }
        if let Some(signal) = &options.signal
            && signal.is_aborted()?
        {
            deferred.reject(*env, &signal.error(*env)?);
            return Ok(promise);
        }
        let id = self.next_id();
        if let Err(error) = start(id, options.timeout) {
            deferred.settle::<()>(*env, Err(error));
            return Ok(promise);
        }
        let core = Rc::downgrade(self);
        let on_abort = move |env| {
            core.upgrade().inspect(|core| core.abort_call(env, id));
        };
        let abort = options.signal.as_ref().map(|it| it.listen(*env, on_abort)).transpose()?;
        self.calls.add(id, kind, deferred, abort);
        self.keep_alive(*env)?;
        Ok(promise)
    }

    fn abort_call(&self, env: Env, id: u64) {
        // Fails only with a signal of the user's own making.
        match self.calls.abort(env, id) {
            Ok(Some(CallKind::Flush | CallKind::LastFlush)) => self.handle.cancel_flush(id),
            Ok(Some(CallKind::WhenSynced)) => self.handle.cancel_when_synced(id),
            Ok(None) | Err(_) => {}
        }
        self.rest_if_idle(env);
    }

    pub(super) fn rest_if_idle(&self, env: Env) {
        if self.is_idle.get() && !self.is_destroyed.get() {
            self.let_go(env);
        }
    }
}
