//! Who is here: awareness states as y-protocols keeps them, with time as an argument.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use crate::protocol::awareness::{self as codec, DecodeError, Entry, GONE};

/// A state that is not renewed for this long has left.
pub const EXPIRY: Duration = Duration::from_secs(30);

/// Our own state is renewed this often, well before others expire it.
pub const RENEWAL: Duration = Duration::from_secs(15);

/// Awareness of one document, shared by the session and the JavaScript object.
pub type SharedAwareness = Arc<Mutex<Awareness>>;

/// Which clients came, changed and left, as in the `change` and `update` events of y-protocols.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AwarenessChange {
    /// Clients that have a state now and had none.
    pub added: Vec<u64>,
    /// Clients whose state was set again, changed or not.
    pub updated: Vec<u64>,
    /// The part of `updated` whose state is different now.
    pub filtered_updated: Vec<u64>,
    /// Clients that have no state any more.
    pub removed: Vec<u64>,
}

impl AwarenessChange {
    /// Whether nothing happened at all: no `update` event.
    pub fn is_empty(&self) -> bool {
        self.added.is_empty() && self.updated.is_empty() && self.removed.is_empty()
    }
}

/// What is remembered of a client, also after it left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Meta {
    /// Rises with every state of the client; a lower one is old news.
    pub clock: u32,
    /// When a state of the client was last set.
    pub last_updated: Instant,
}

/// The states of all clients of one document, as JSON texts.
#[derive(Debug, Clone)]
pub struct Awareness {
    client_id: u64,
    states: BTreeMap<u64, Box<str>>,
    meta: BTreeMap<u64, Meta>,
}

impl Awareness {
    /// No states, for a document with this client id.
    pub fn new(client_id: u64) -> Self {
        Self { client_id, states: BTreeMap::new(), meta: BTreeMap::new() }
    }

    /// The client whose state is our own.
    pub fn client_id(&self) -> u64 {
        self.client_id
    }

    /// The JSON text of every client that is here.
    pub fn states(&self) -> &BTreeMap<u64, Box<str>> {
        &self.states
    }

    /// Clock and time of every client that is or was here.
    pub fn meta(&self) -> &BTreeMap<u64, Meta> {
        &self.meta
    }

    /// Our own state as JSON text.
    pub fn local_state(&self) -> Option<&str> {
        self.states.get(&self.client_id).map(AsRef::as_ref)
    }

    /// Sets our own state (JSON text), or removes it with `None` (also with the text `null`).
    pub fn set_local_state(&mut self, now: Instant, state: Option<String>) -> AwarenessChange {
        // Not 0: y-protocols takes that for the clock of clients it has never heard of, and ignores it as old news.
        let clock = self.meta.get(&self.client_id).map_or(1, |meta| meta.clock.saturating_add(1));
        self.set(
            now,
            self.client_id,
            clock,
            state.filter(|json| json != GONE).map(String::into_boxed_str),
        )
    }

    /// Applies a remote awareness update. Old news changes nothing; nobody but us can remove our own state.
    pub fn apply(&mut self, now: Instant, update: &[u8]) -> Result<AwarenessChange, DecodeError> {
        let mut change = AwarenessChange::default();
        for Entry { client_id, clock, state } in codec::decode(update)? {
            let known = self.meta.get(&client_id).map(|meta| meta.clock);
            let is_gone = state == GONE;
            let is_removal_of_present =
                is_gone && known == Some(clock) && self.states.contains_key(&client_id);
            if known.is_some_and(|known| clock <= known) && !is_removal_of_present {
                continue;
            }
            if client_id == self.client_id && is_gone && self.local_state().is_some() {
                // A server or peer took us for dead: contradict with a newer clock.
                self.meta
                    .insert(client_id, Meta { clock: clock.saturating_add(1), last_updated: now });
                change.updated.push(client_id);
                continue;
            }
            let one = self.set(now, client_id, clock, (!is_gone).then(|| state.into()));
            change.added.extend(one.added);
            change.updated.extend(one.updated);
            change.filtered_updated.extend(one.filtered_updated);
            change.removed.extend(one.removed);
        }
        Ok(change)
    }

    /// Encodes the states of these clients, `null` for those that left; clients never seen are skipped.
    pub fn encode(&self, clients: &[u64]) -> Vec<u8> {
        let entries: Vec<Entry> = clients
            .iter()
            .filter_map(|&client_id| {
                let state = self.states.get(&client_id).map_or(GONE, AsRef::as_ref);
                self.meta.get(&client_id).map(|meta| Entry {
                    client_id,
                    clock: meta.clock,
                    state: state.into(),
                })
            })
            .collect();
        codec::encode(&entries)
    }

    /// Removes the states of these clients. Removing our own raises its clock, so that it can be announced.
    pub fn remove(&mut self, now: Instant, clients: &[u64]) -> AwarenessChange {
        let mut change = AwarenessChange::default();
        for &client in clients {
            if self.states.remove(&client).is_none() {
                continue;
            }
            if client == self.client_id
                && let Some(meta) = self.meta.get_mut(&client)
            {
                *meta = Meta { clock: meta.clock.saturating_add(1), last_updated: now };
            }
            change.removed.push(client);
        }
        change
    }

    /// Forgets all other clients with their clocks: after a lost connection the same clock may come again.
    pub fn clear_remote(&mut self) -> AwarenessChange {
        let own = self.client_id;
        let removed = self.states.keys().copied().filter(|&client| client != own).collect();
        self.states.retain(|&client, _| client == own);
        self.meta.retain(|&client, _| client == own);
        AwarenessChange { removed, ..AwarenessChange::default() }
    }

    /// Raises the clock of our own state, so that everybody accepts it again; false if there is none.
    pub fn renew(&mut self, now: Instant) -> bool {
        let is_present = self.states.contains_key(&self.client_id);
        if is_present && let Some(meta) = self.meta.get_mut(&self.client_id) {
            *meta = Meta { clock: meta.clock.saturating_add(1), last_updated: now };
        }
        is_present
    }

    /// Encodes "we left" without giving up our state, which a later connection announces again.
    pub fn encode_departure(&mut self, now: Instant) -> Option<Vec<u8>> {
        if !self.renew(now) {
            return None;
        }
        let clock = self.meta.get(&self.client_id)?.clock;
        Some(codec::encode(&[Entry { client_id: self.client_id, clock, state: GONE.into() }]))
    }

    /// Removes other clients that expired.
    pub fn expire(&mut self, now: Instant) -> AwarenessChange {
        let expired: Vec<u64> = self
            .states
            .keys()
            .copied()
            .filter(|&client| client != self.client_id && self.age(now, client) >= EXPIRY)
            .collect();
        self.remove(now, &expired)
    }

    /// When our own state must be renewed or another one expires, whichever is first.
    pub fn next_deadline(&self) -> Option<Instant> {
        self.states
            .keys()
            .filter_map(|client| {
                let limit = if *client == self.client_id { RENEWAL } else { EXPIRY };
                self.meta.get(client).map(|meta| meta.last_updated + limit)
            })
            .min()
    }

    /// Whether our own state is due for renewal.
    pub fn is_renewal_due(&self, now: Instant) -> bool {
        self.states.contains_key(&self.client_id) && self.age(now, self.client_id) >= RENEWAL
    }

    fn age(&self, now: Instant, client: u64) -> Duration {
        self.meta
            .get(&client)
            .map_or(Duration::ZERO, |meta| now.saturating_duration_since(meta.last_updated))
    }

    fn set(
        &mut self,
        now: Instant,
        client: u64,
        clock: u32,
        state: Option<Box<str>>,
    ) -> AwarenessChange {
        let mut change = AwarenessChange::default();
        self.meta.insert(client, Meta { clock, last_updated: now });
        let is_present = state.is_some();
        let is_different = state.as_deref().is_some_and(|new| self.is_news(client, new));
        let before = match state {
            Some(json) => self.states.insert(client, json),
            None => self.states.remove(&client),
        };
        match (before.is_some(), is_present) {
            (false, true) => change.added.push(client),
            (true, false) => change.removed.push(client),
            (true, true) => {
                change.updated.push(client);
                if is_different {
                    change.filtered_updated.push(client);
                }
            }
            (false, false) => {}
        }
        change
    }

    /// Compares values, not texts: two encoders may space or order the same state differently.
    fn is_news(&self, client: u64, new: &str) -> bool {
        let Some(old) = self.states.get(&client) else { return true };
        if **old == *new {
            return false;
        }
        let parse = serde_json::from_str::<serde_json::Value>;
        !matches!((parse(old), parse(new)), (Ok(old), Ok(new)) if old == new)
    }
}

#[cfg(test)]
mod tests;
