use super::*;

#[test]
fn updates_in_a_row_are_one_request() {
    let mut cx = Context::new(SessionConfig::new("room"), 1);
    let (a, b) = (DocKey(1), DocKey(2));
    let update = Bytes::from_static(&[0, 0]);
    for (doc, token) in [(a, 1), (a, 2), (b, 1), (a, 3)] {
        cx.apply(doc, token, update.clone());
    }
    cx.flushed(1, Ok(()));
    cx.apply(a, 4, update.clone());
    let requests: Vec<_> = std::iter::from_fn(|| cx.pop_output())
        .filter_map(|output| match output {
            Output::Work(Work::Apply { doc, first, updates }) => Some((doc, first, updates.len())),
            _ => None,
        })
        .collect();
    let between = "an output between them stays between them";
    assert_eq!(requests, [(a, 1, 2), (b, 1, 1), (a, 3, 1), (a, 4, 1)], "{between}");
}

#[test]
fn a_session_that_rests_keeps_no_room() {
    let mut cx = Context::new(SessionConfig::new("room"), 1);
    for id in 0..100 {
        cx.flushed(id, Ok(()));
        cx.sync_turns.push_back(DocKey(id));
        cx.presence_turns.push_back(DocKey(id));
        cx.note_moved(DocKey(id));
        cx.await_ack(DocKey(id), AckKind::Update, 1);
    }
    cx.shrink();
    assert_eq!((cx.outputs.len(), cx.sync_turns.len(), cx.moved.len()), (100, 100, 100));
    while cx.pop_output().is_some() {}
    while cx.pop_moved().is_some() {}
    cx.disconnect();
    cx.shrink();
    let room = [
        cx.outputs.capacity(),
        cx.sync_turns.capacity(),
        cx.presence_turns.capacity(),
        cx.moved.capacity(),
        cx.acks.capacity(),
    ];
    assert_eq!(room, [0; 5]);
}
