use super::*;

const OWN: u64 = 1;
const OTHER: u64 = 2;

fn entry(client_id: u64, clock: u32, state: &str) -> Vec<u8> {
    codec::encode(&[Entry { client_id, clock, state: state.to_owned() }])
}

fn change(
    added: &[u64],
    updated: &[u64],
    filtered_updated: &[u64],
    removed: &[u64],
) -> AwarenessChange {
    AwarenessChange {
        added: added.to_vec(),
        updated: updated.to_vec(),
        filtered_updated: filtered_updated.to_vec(),
        removed: removed.to_vec(),
    }
}

fn clock(awareness: &Awareness, client: u64) -> Option<u32> {
    awareness.meta().get(&client).map(|meta| meta.clock)
}

#[test]
fn remote_updates_change_states_as_in_y_protocols() {
    let now = Instant::now();
    let mut awareness = Awareness::new(OWN);
    // (label, clock, state, change, clock afterwards), one after the other
    let table = [
        ("comes", 0, r#"{"a":1,"b":2}"#, change(&[OTHER], &[], &[], &[]), 0),
        ("the same again", 0, r#"{"a":1,"b":2}"#, change(&[], &[], &[], &[]), 0),
        (
            "renewed, written differently",
            1,
            r#"{"b":2, "a":1}"#,
            change(&[], &[OTHER], &[], &[]),
            1,
        ),
        ("changed", 2, r#"{"a":3}"#, change(&[], &[OTHER], &[OTHER], &[]), 2),
        ("old news", 1, r#"{"a":1}"#, change(&[], &[], &[], &[]), 2),
        ("old removal", 1, "null", change(&[], &[], &[], &[]), 2),
        ("removed with the same clock", 2, "null", change(&[], &[], &[], &[OTHER]), 2),
        ("removed again", 3, "null", change(&[], &[], &[], &[]), 3),
        ("back with an old clock", 3, "1", change(&[], &[], &[], &[]), 3),
        ("back", 4, "1", change(&[OTHER], &[], &[], &[]), 4),
    ];
    for (label, sent, state, expected, known) in table {
        assert_eq!(awareness.apply(now, &entry(OTHER, sent, state)), Ok(expected), "{label}");
        assert_eq!(clock(&awareness, OTHER), Some(known), "{label}");
    }
    assert_eq!(awareness.states()[&OTHER].as_ref(), "1");
}

#[test]
fn nobody_else_can_remove_our_state() {
    let now = Instant::now();
    let mut awareness = Awareness::new(OWN);
    awareness.set_local_state(now, Some("1".into()));
    let contradiction = awareness.apply(now, &entry(OWN, 7, "null")).unwrap();
    assert_eq!(contradiction, change(&[], &[OWN], &[], &[]));
    assert_eq!(awareness.local_state(), Some("1"));
    assert_eq!(clock(&awareness, OWN), Some(8), "newer than the removal");
}

#[test]
fn setting_our_state_raises_the_clock() {
    let now = Instant::now();
    let mut awareness = Awareness::new(OWN);
    // (label, state, change, clock)
    let table = [
        ("set", Some("1"), change(&[OWN], &[], &[], &[]), 1),
        ("same", Some("1"), change(&[], &[OWN], &[], &[]), 2),
        ("other", Some("2"), change(&[], &[OWN], &[OWN], &[]), 3),
        ("gone", None, change(&[], &[], &[], &[OWN]), 4),
        ("gone, as text", Some("null"), change(&[], &[], &[], &[]), 5),
    ];
    for (label, state, expected, known) in table {
        assert_eq!(awareness.set_local_state(now, state.map(str::to_owned)), expected, "{label}");
        assert_eq!(clock(&awareness, OWN), Some(known), "{label}");
    }
    assert_eq!(awareness.encode(&[OWN, 99]), entry(OWN, 5, GONE), "unknown clients are skipped");
}

#[test]
fn removing_reports_only_those_that_were_here() {
    let now = Instant::now();
    let mut awareness = Awareness::new(OWN);
    awareness.set_local_state(now, Some("1".into()));
    awareness.apply(now, &entry(OTHER, 5, "2")).unwrap();
    assert_eq!(awareness.remove(now, &[OTHER, 99, OWN]), change(&[], &[], &[], &[OTHER, OWN]));
    assert_eq!(clock(&awareness, OWN), Some(2), "ours can be announced");
    assert_eq!(clock(&awareness, OTHER), Some(5), "theirs is only known to us");
}

#[test]
fn others_expire_and_we_do_not() {
    let start = Instant::now();
    let mut awareness = Awareness::new(OWN);
    awareness.set_local_state(start, Some("1".into()));
    awareness.apply(start + RENEWAL, &entry(OTHER, 0, "2")).unwrap();
    assert_eq!(awareness.next_deadline(), Some(start + RENEWAL), "ours is due first");
    assert!(awareness.expire(start + EXPIRY).is_empty(), "the other one is younger");
    assert_eq!(awareness.expire(start + RENEWAL + EXPIRY), change(&[], &[], &[], &[OTHER]));
    assert_eq!(awareness.local_state(), Some("1"));
}

#[test]
fn forgetting_the_others_forgets_their_clocks() {
    let now = Instant::now();
    let mut awareness = Awareness::new(OWN);
    awareness.set_local_state(now, Some("1".into()));
    awareness.apply(now, &entry(OTHER, 5, "2")).unwrap();
    assert_eq!(awareness.clear_remote(), change(&[], &[], &[], &[OTHER]));
    assert_eq!(awareness.apply(now, &entry(OTHER, 0, "2")), Ok(change(&[OTHER], &[], &[], &[])));
    assert_eq!(clock(&awareness, OWN), Some(1));
}

#[test]
fn garbage_changes_nothing() {
    let mut awareness = Awareness::new(OWN);
    assert!(awareness.apply(Instant::now(), &[5, 1]).is_err());
    assert!(awareness.states().is_empty() && awareness.meta().is_empty());
}
