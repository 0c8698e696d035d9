//! What a run cost, as JSON.

use std::fs;
use std::time::Instant;
use yrs::{Doc, GetString, ReadTxn, Transact};

/// Clock ticks per second of `/proc/self/stat`: fixed by Linux's ABI.
const TICKS: f64 = 100.0;

/// Time and CPU time since its start.
pub(crate) struct Meter {
    started: Instant,
    cpu: Option<f64>,
}

impl Meter {
    pub(crate) fn start() -> Self {
        Self { cpu: cpu(), started: Instant::now() }
    }

    /// Figures as the clients in JavaScript report them: ms and MB. There is no event loop here that could stall.
    pub(crate) fn report(&self, doc: &Doc) -> String {
        let time = self.started.elapsed().as_secs_f64() * 1000.0;
        let cpu = self.cpu.zip(cpu()).map(|(before, after)| after - before);
        let txn = doc.transact();
        let text = txn.get_text("text").map(|text| text.get_string(&txn)).unwrap_or_default();
        format!(
            r#"{{"time":{time:.3},"cpu":{},"rss":{},"length":{}}}"#,
            number(cpu),
            number(peak_rss()),
            text.encode_utf16().count()
        )
    }
}

fn number(value: Option<f64>) -> String {
    value.map_or_else(|| "null".to_owned(), |it| format!("{it:.1}"))
}

/// CPU time of all threads in ms, on Linux.
fn cpu() -> Option<f64> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    // The name of the program is in parentheses and may hold spaces.
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks = |at: usize| fields.get(at)?.parse::<f64>().ok();
    Some((ticks(11)? + ticks(12)?) * 1000.0 / TICKS)
}

/// Most memory the process has had, in MB, on Linux.
fn peak_rss() -> Option<f64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.split_whitespace().next()?.parse::<f64>().ok()? / 1024.0)
}
