//! Random edits, faults and reconnects: whatever happens, everybody ends with the same text and nothing is lost.

use std::time::Duration;

use yjs_provider_native::session::{DocKey, SessionConfig};

use super::server::{ROOM, Switches};
use super::world::World;

const DOCS: [&str; 3] = ["one", "two", "deleted from"];

/// In here text is deleted as well.
const DELETED_FROM: DocKey = DocKey(3);

/// What is said of a scenario that ends differently than it should.
struct Scenario {
    label: &'static str,
    switches: fn(&mut fastrand::Rng) -> Switches,
}

const SCENARIOS: [Scenario; 4] = [
    Scenario { label: "gateway", switches: |_| Switches::gateway() },
    Scenario {
        label: "gateway with late handlers that says things twice",
        switches: |rng| Switches {
            deaf_for: rng.usize(0..6),
            duplicates: true,
            ..Switches::gateway()
        },
    },
    Scenario {
        label: "busy gateway",
        switches: |rng| Switches {
            refusal: Some(r#"{"ok":false,"code":"busy","retryable":true}"#.into()),
            refusals_left: rng.usize(0..30),
            ..Switches::gateway()
        },
    },
    Scenario {
        label: "published server",
        switches: |rng| Switches { deaf_for: rng.usize(0..6), ..Switches::published() },
    },
];

#[test]
fn everybody_ends_with_the_same_text_and_no_edit_is_lost() {
    // More on demand: SEEDS=2000 cargo test --test session_pair random
    let seeds = std::env::var("SEEDS").ok().and_then(|seeds| seeds.parse().ok()).unwrap_or(30);
    for scenario in &SCENARIOS {
        for seed in 0..seeds {
            run(scenario, seed);
        }
    }
}

fn run(scenario: &Scenario, seed: u64) {
    let label = format!("{}, seed {seed}", scenario.label);
    let mut rng = fastrand::Rng::with_seed(seed);
    let mut world = World::seeded((scenario.switches)(&mut rng), seed);
    let clients = rng.usize(2..=3);
    for client in 0..clients {
        let outbox_limit = if rng.bool() { 200 } else { 1 << 20 };
        world.add_client_with(&DOCS, SessionConfig { outbox_limit, ..SessionConfig::new(ROOM) });
        if rng.bool() {
            world.clients[client].session.connect(world.now);
        }
    }

    // Marks that are typed and never deleted: each must be there in the end, once.
    let mut marks: Vec<(DocKey, String)> = Vec::new();
    for step in 0..150 {
        let client = rng.usize(0..clients);
        let key = DocKey(rng.u64(1..=2));
        match rng.u32(0..100) {
            0..45 => {
                let mark = format!("<{step}>");
                world.insert(client, key, 0, &mark);
                marks.push((key, mark));
            }
            45..55 => world.insert(client, DELETED_FROM, rng.u32(..), "abc"),
            55..60 => world.remove(client, DELETED_FROM, rng.u32(..)),
            60..85 => world.step_some(),
            85..90 => world.advance(Duration::from_millis(rng.u64(1..3000))),
            90..94 => world.cut(client),
            94..96 => world.clients[client].session.disconnect(world.now),
            96..98 => world.is_server_down = !world.is_server_down,
            _ => world.clients[client].session.connect(world.now),
        }
    }

    world.is_server_down = false;
    world.settle();
    for client in 0..clients {
        world.clients[client].session.connect(world.now);
    }
    world.advance(Duration::from_secs(120));
    for client in 0..clients {
        world.clients[client].session.flush(world.now, 1, Duration::from_secs(60));
    }
    world.advance(Duration::from_secs(90));

    for (index, id) in DOCS.iter().enumerate() {
        let key = DocKey(index as u64 + 1);
        let log = world.log_text(id);
        for client in 0..clients {
            assert_eq!(world.text(client, key), log, "{label}: client {client}, document {id}");
            assert!(world.is_synced(client, key), "{label}: client {client}, document {id}");
        }
        for (_, mark) in marks.iter().filter(|(of, _)| *of == key) {
            assert_eq!(log.matches(mark.as_str()).count(), 1, "{label}: {mark} in {id}");
        }
    }
    for client in 0..clients {
        assert_eq!(world.flushed(client, 1), Some(Ok(())), "{label}: client {client}");
        assert!(!world.clients[client].session.has_unsynced_changes(), "{label}: client {client}");
    }
}
