//! Connection state recovery of Socket.IO: a server may keep what a lost connection missed, and send it to the next one.
//! It is a courtesy only. Every document asks with step 1 what it lacks, whether the server has recovered us or not.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

use crate::protocol::socket_io::{Event, Json};

/// What the server needs to find the connection it lost.
#[derive(Debug, Default)]
pub(crate) struct Recovery {
    /// Its private name for us; `None` when it doesn't recover connections.
    pid: Option<String>,
    /// What it called the last event that reached us.
    offset: Option<String>,
}

impl Recovery {
    /// The payload of CONNECT: `{"pid", "offset", ...auth}`. What `auth` has of the same name wins.
    pub(crate) fn connect_payload(&self, auth: Option<String>) -> Option<String> {
        let Some(pid) = &self.pid else { return auth };
        let auth = auth.unwrap_or_default();
        // Whoever makes the auth makes an object of it.
        let own: BTreeMap<String, &RawValue> = serde_json::from_str(&auth).unwrap_or_default();
        let mut payload = String::new();
        for (key, value) in [("pid", Some(pid)), ("offset", self.offset.as_ref())] {
            let Some(value) = value.filter(|_| !own.contains_key(key)).and_then(Json::new) else {
                continue;
            };
            payload.push(if payload.is_empty() { '{' } else { ',' });
            payload.extend(["\"", key, "\":", value.as_str()]);
        }
        match (payload.is_empty(), own.is_empty()) {
            (true, _) => return Some(auth),
            (false, true) => payload.push('}'),
            (false, false) => {
                payload.push(',');
                payload.push_str(auth.trim_start().trim_start_matches('{'));
            }
        }
        Some(payload)
    }

    /// CONNECT was answered. Another `pid` than before means that nothing was recovered.
    pub(crate) fn handle_joined(&mut self, pid: Option<String>) {
        if self.pid != pid {
            self.pid = pid;
            self.offset = None;
        }
    }

    /// A server that recovers connections adds a string to the arguments of every event it may have to repeat.
    pub(crate) fn handle_event(&mut self, event: &Event) {
        if self.pid.is_none() {
            return;
        }
        let last = event.args.len().checked_sub(1).and_then(|last| event.args.text(last));
        if let Some(offset) = last.and_then(|json| serde_json::from_str(json).ok()) {
            self.offset = Some(offset);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::socket_io::{Decoder, Packet};

    fn recovery(offset: Option<&str>) -> Recovery {
        Recovery { pid: Some("p\"".to_owned()), offset: offset.map(str::to_owned) }
    }

    fn event(json: &str) -> Event {
        match Decoder::default().handle_text(&format!("2{json}")) {
            Ok(Some(Packet::Event(event))) => event,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn auth_joins_the_payload_and_wins() {
        let rows = [
            ("no auth", Some("o"), None, r#"{"pid":"p\"","offset":"o"}"#),
            ("no offset", None, None, r#"{"pid":"p\""}"#),
            ("empty auth", Some("o"), Some("{}"), r#"{"pid":"p\"","offset":"o"}"#),
            (
                "auth",
                Some("o"),
                Some(r#"{"b":1,"a":{"pid":2}}"#),
                r#"{"pid":"p\"","offset":"o","b":1,"a":{"pid":2}}"#,
            ),
            ("its own pid", Some("o"), Some(r#"{"pid":1}"#), r#"{"offset":"o","pid":1}"#),
            ("its own offset", Some("o"), Some(r#"{"offset":1}"#), r#"{"pid":"p\"","offset":1}"#),
            ("both its own", Some("o"), Some(r#"{"offset":1,"pid":2}"#), r#"{"offset":1,"pid":2}"#),
        ];
        for (label, offset, auth, expected) in rows {
            let payload = recovery(offset).connect_payload(auth.map(str::to_owned));
            assert_eq!(payload.as_deref(), Some(expected), "{label}");
        }
        let none = Recovery::default();
        assert_eq!(none.connect_payload(None), None);
        assert_eq!(none.connect_payload(Some("{}".to_owned())).as_deref(), Some("{}"));
    }

    #[test]
    fn only_a_string_at_the_end_of_an_event_is_an_offset() {
        let mut recovery = recovery(None);
        let rows = [
            (r#"["a","1"]"#, Some("1")),
            (r#"["a","2",{}]"#, Some("1")),
            (r#"["a",3]"#, Some("1")),
            (r#"["name"]"#, Some("1")),
            (r#"["a",{},"4"]"#, Some("4")),
        ];
        for (json, expected) in rows {
            recovery.handle_event(&event(json));
            assert_eq!(recovery.offset.as_deref(), expected, "{json}");
        }
        recovery.handle_joined(Some("p\"".to_owned()));
        assert_eq!(recovery.offset.as_deref(), Some("4"), "recovered");
        recovery.handle_joined(Some("q".to_owned()));
        assert_eq!(recovery.offset, None, "not recovered: the offset belonged to the other one");
        recovery.handle_joined(None);
        recovery.handle_event(&event(r#"["a","5"]"#));
        assert_eq!(recovery.offset, None, "the server recovers nothing");
    }
}
